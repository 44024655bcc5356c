"""PyTorch's side, written as its users would."""

import time

import torch
from torch.nn.functional import dropout

from benchmarks.training.cases import KEEP


class Peer:
    """Trains the networks of a case; `turn` starts from the same θ every time."""

    device = "cpu"
    clock = staticmethod(time.perf_counter)

    def __init__(self, case):
        self.case = case
        net, X, Y, theta = case.problem()
        self.start = [[self.tensor(part) for part in net.unpack(one)] for one in theta]
        self.X, self.Y = self.tensor(X), self.tensor(Y)

    def tensor(self, array):
        return torch.tensor(array, dtype=torch.float32, device=self.device)

    def loss(self, W, b, A):
        """R_S^drop or R_S + R_1 of one network."""
        h = torch.tanh(torch.nn.functional.linear(self.X, W, b))
        s = h if self.case.penalty else dropout(h, 1 - KEEP)
        loss = 0.5 * ((s @ A.T - self.Y) ** 2).sum(1).mean()
        if self.case.penalty:
            variance = (1 - KEEP) / KEEP
            loss = loss + 0.5 * variance * ((h**2).mean(0) * (A**2).sum(0)).sum()
        return loss

    def risk(self, parameters):
        """R_S of one network."""
        with torch.no_grad():
            W, b, A = parameters
            F = torch.tanh(torch.nn.functional.linear(self.X, W, b)) @ A.T
            return float(0.5 * ((F - self.Y) ** 2).sum(1).mean())

    def optimizer(self, parameters):
        rule = torch.optim.Adam if self.case.adam else torch.optim.SGD
        return rule(parameters, lr=self.case.rate)

    def turn(self):
        """Seconds a step, and R_S at the end, mean over replicas."""
        torch.manual_seed(0)
        leaves = [
            [a.clone().requires_grad_(True) for a in parameters]
            for parameters in self.start
        ]
        optimizers = [self.optimizer(parameters) for parameters in leaves]
        start = self.clock()
        for _ in range(self.case.steps):
            for parameters, optimizer in zip(leaves, optimizers):
                optimizer.zero_grad()
                self.loss(*parameters).backward()
                optimizer.step()
        seconds = (self.clock() - start) / self.case.steps
        return seconds, sum(map(self.risk, leaves)) / len(leaves)


class Compiled(Peer):
    """With ``torch.compile``."""

    def __init__(self, case):
        super().__init__(case)
        self.loss = torch.compile(super().loss)


class Vmapped(Peer):
    """Replicas stacked, by ``torch.vmap``."""

    def turn(self):
        torch.manual_seed(0)
        leaves = [torch.stack(a).requires_grad_(True) for a in zip(*self.start)]
        optimizer = self.optimizer(leaves)
        losses = torch.vmap(self.loss, randomness="different")
        start = self.clock()
        for _ in range(self.case.steps):
            optimizer.zero_grad()
            losses(*leaves).sum().backward()
            optimizer.step()
        seconds = (self.clock() - start) / self.case.steps
        risks = [self.risk(one) for one in zip(*leaves)]
        return seconds, sum(risks) / len(risks)


PEERS = {"eager": Peer, "compile": Compiled, "vmap": Vmapped, "loop": Peer}
