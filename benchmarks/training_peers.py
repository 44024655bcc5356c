"""Training in PyTorch, as its users would: eager, compiled, in a loop, by ``vmap``."""

import time
from copy import deepcopy
from statistics import mean

import torch
from torch.func import functional_call, stack_module_state
from torch.nn.functional import dropout

from benchmarks.networks import KEEP, problem
from benchmarks.pytorch import TwoLayer, half_mse, tensor
from benchmarks.rows import Side


class Objective(TwoLayer):
    """A network with its data, of which R_S^drop or R_S + R_1 is minimised."""

    def __init__(self, risk, theta, penalty):
        super().__init__(risk.net, theta)
        self.register_buffer("X", tensor(risk.X), persistent=False)
        self.register_buffer("Y", tensor(risk.Y), persistent=False)
        self.penalty = penalty

    def forward(self):
        h = torch.tanh(self.hidden(self.X))
        if not self.penalty:
            return half_mse(self.output(dropout(h, 1 - KEEP)), self.Y)
        variances = (1 - KEEP) / KEEP * (h**2).mean(0) * (self.output.weight**2).sum(0)
        return half_mse(self.output(h), self.Y) + 0.5 * variances.sum()

    def risk(self):
        with torch.no_grad():
            return float(half_mse(super().forward(self.X), self.Y))


def objectives(case, device):
    """The networks of a case as modules."""
    risk, theta = problem(case.widths, case.samples, case.replicas)
    penalty = case.objective != "dropout"
    return [Objective(risk, one, penalty).to(device) for one in theta]


def optimizer(case, parameters):
    rule = torch.optim.Adam if case.adam else torch.optim.SGD
    return rule(parameters, lr=case.rate)


def side(case, device, work, value):
    def clock():
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    return Side(work, value, scale=1 / case.steps, clock=clock)


def eager(case, device, prepare=lambda objective: objective):
    """One network after the other."""
    networks = objectives(case, device)
    losses = [prepare(one) for one in networks]
    starts = [deepcopy(one.state_dict()) for one in networks]

    def work():
        torch.manual_seed(0)
        for one, start in zip(networks, starts):
            one.load_state_dict(start)
        optimizers = [optimizer(case, one.parameters()) for one in networks]
        for _ in range(case.steps):
            for loss, rule in zip(losses, optimizers):
                rule.zero_grad()
                loss().backward()
                rule.step()

    return side(case, device, work, lambda _: mean(one.risk() for one in networks))


def compiled(case, device):
    """The same with ``torch.compile``."""
    return eager(case, device, torch.compile)


def vmapped(case, device):
    """All networks at once, as PyTorch's tutorial on ensembles has it."""
    networks = objectives(case, device)
    one = deepcopy(networks[0])
    losses = torch.vmap(
        lambda parameters: functional_call(one, parameters, ()), randomness="different"
    )

    def work():
        torch.manual_seed(0)
        parameters, _ = stack_module_state(networks)
        rule = optimizer(case, parameters.values())
        for _ in range(case.steps):
            rule.zero_grad()
            losses(parameters).sum().backward()
            rule.step()
        return parameters

    def risk(k, parameters):
        one.load_state_dict({name: values[k] for name, values in parameters.items()})
        return one.risk()

    def loss(parameters):
        return mean(risk(k, parameters) for k in range(case.replicas))

    return side(case, device, work, loss)


PEERS = {"eager": eager, "compile": compiled, "vmap": vmapped, "loop": eager}
