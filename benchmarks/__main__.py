"""One dropout-training step of the Figure 4 network, ours against PyTorch eager.

Both sides train the same network (tanh, width 1000, 15 points, Adam at 1e-3, float32,
one mask per sample, keep 0.9) from the same parameters in one process, in turns, with
the same number of threads. Times are medians over the turns; the ratio is the median of
the ratios turn by turn, which a drifting machine does not move. The noise-free loss of
both after training is printed: the same work was done.

Writes a JSON file beside the table if ``--json FILE`` is given.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time

import numpy as np
from threadpoolctl import threadpool_limits

import refimpl
from refimpl.datasets import tanh_pair

WIDTH, KEEP, RATE = 1000, 0.9, 1e-3


def ours(theta, net, risk, steps):
    """Train; returns seconds per step and the final parameters."""
    drop = refimpl.Dropout(KEEP, per_sample=True)
    start = time.perf_counter()
    history = refimpl.train(
        risk, theta, refimpl.Adam(RATE), steps, drop, rng=np.random.default_rng(0)
    )
    return (time.perf_counter() - start) / steps, history.theta


def peer(torch, theta, net, X, Y, steps):
    """The same in PyTorch, written as its users would."""
    W, b, A = (torch.tensor(np.array(part)) for part in net.unpack(theta))
    model = torch.nn.Sequential(
        torch.nn.Linear(1, WIDTH),
        torch.nn.Tanh(),
        torch.nn.Dropout(1 - KEEP),
        torch.nn.Linear(WIDTH, 1, bias=False),
    )
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), (W, b, A)):
            parameter.copy_(value)
    X, Y = torch.tensor(X, dtype=torch.float32), torch.tensor(Y, dtype=torch.float32)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    torch.manual_seed(0)
    start = time.perf_counter()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = 0.5 * torch.nn.functional.mse_loss(model(X), Y)
        loss.backward()
        optimizer.step()
    seconds = (time.perf_counter() - start) / steps
    return seconds, net.pack(*(p.detach().numpy() for p in model.parameters()))


def measure(torch, n, steps, turns):
    """One row of the table: medians in microseconds, ratio, final losses."""
    net = refimpl.TwoLayer(1, WIDTH)
    X, Y = tanh_pair(n)
    risk = refimpl.Risk(net, X, Y)
    theta = net.init(np.random.default_rng(1), std=WIDTH**-0.5).astype(np.float32)
    times, losses = [], []
    for turn in range(turns + 1):
        a, theta_a = ours(theta, net, risk, steps)
        b, theta_b = peer(torch, theta, net, X, Y, steps)
        if turn:  # the first is a warm-up
            times.append((a, b))
            losses.append((float(risk(theta_a)), float(risk(theta_b))))
    return {
        "work": f"dropout step, tanh, m={WIDTH}, n={n}, Adam, one network",
        "ours_us": 1e6 * statistics.median(a for a, _ in times),
        "pytorch_us": 1e6 * statistics.median(b for _, b in times),
        "ratio": statistics.median(b / a for a, b in times),
        "ratio_range": [min(b / a for a, b in times), max(b / a for a, b in times)],
        "loss_ours": statistics.median(a for a, _ in losses),
        "loss_pytorch": statistics.median(b for _, b in losses),
    }


def processor():
    """Name of the processor, as far as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = [line for line in file if line.startswith("model name")]
        return lines[0].split(":")[1].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def main():
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--json", metavar="FILE")
    args = parser.parse_args()
    try:
        import torch
    except ImportError:
        sys.exit("benchmarks: PyTorch is missing: pip install -e '.[bench]'")
    torch.set_num_threads(args.threads)
    with threadpool_limits(args.threads):
        rows = [measure(torch, n, args.steps, args.turns) for n in (15, 100)]
    print(f"{'work':52} {'ours':>8} {'PyTorch':>9} {'ratio':>6}  final losses")
    for row in rows:
        print(
            f"{row['work']:52} {row['ours_us']:5.0f} µs {row['pytorch_us']:6.0f} µs "
            f"{row['ratio']:6.1f}  {row['loss_ours']:.3g} / {row['loss_pytorch']:.3g}"
        )
    if args.json:
        machine = {
            "processor": processor(),
            "cores": os.cpu_count(),
            "threads": args.threads,
            "numpy": np.__version__,
            "torch": torch.__version__,
        }
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine, "rows": rows}, file, indent=2)


if __name__ == "__main__":
    main()
