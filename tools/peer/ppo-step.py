"""Times one PPO minibatch in PyTorch on one thread, everything included that `sinew bench train` includes: gather the rows, both
networks forward and backward, losses, gradient norm, Adam. One line per size: smallest and median time of 300.

    .venv/peers/bin/python tools/peer/ppo-step.py
"""
import statistics
import time

import torch


def network(sizes, activation):
    layers = []
    for before, after in zip(sizes[:-2], sizes[1:-1]):
        layers += [torch.nn.Linear(before, after), activation()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-2], sizes[-1]))


def step_times(inputs, hidden, outputs, activation, rows, steps=300):
    policy, critic = network([inputs, *hidden, outputs], activation), network([inputs, *hidden, 1], activation)
    log_std = torch.nn.Parameter(torch.zeros(outputs))
    parameters = [*policy.parameters(), *critic.parameters(), log_std]
    adam = torch.optim.Adam(parameters, lr=3e-4, eps=1e-5)
    count = 4096
    observations, actions = torch.randn(count, inputs), torch.randn(count, outputs)
    old, advantages, returns = torch.randn(count), torch.randn(count), torch.randn(count)
    times = []
    for _ in range(steps + 20):
        start = time.perf_counter()
        chosen = torch.randint(count, (rows,))
        x, a, o, adv, ret = observations[chosen], actions[chosen], old[chosen], advantages[chosen], returns[chosen]
        adv = (adv - adv.mean()) / (adv.std() + 1e-8)
        normal = torch.distributions.Normal(policy(x), log_std.exp())
        log_probability = normal.log_prob(a).sum(-1)
        ratio = (log_probability - o).clamp(-1, 1).exp()
        loss = -torch.min(ratio * adv, ratio.clamp(0.8, 1.2) * adv).mean()
        loss = loss + 0.5 * torch.nn.functional.mse_loss(critic(x).flatten(), ret) - 0 * normal.entropy().sum(-1).mean()
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 0.5)
        adam.step()
        times.append((time.perf_counter() - start) * 1e6)
    return times[20:]


def main():
    torch.set_num_threads(1)
    for name, inputs, hidden, outputs, activation in (
            ("11-64-64-2 tanh", 11, (64, 64), 2, torch.nn.Tanh), ("26-256-128-64-6 elu", 26, (256, 128, 64), 6, torch.nn.ELU)):
        for rows in (64, 256, 2048):
            times = step_times(inputs, hidden, outputs, activation, rows)
            print(f"{name:<22} {rows:>5} rows  min {min(times):8.1f} µs  median {statistics.median(times):8.1f} µs", flush=True)


main()
