"""One PPO minibatch by PyTorch: writes the golden numbers of Tests/Golden/ppo-minibatch.csv.

Run: python3 tools/peer/ppo-minibatch.py > Tests/Golden/ppo-minibatch.csv      (torch 2.x, CPU)

A Gaussian policy and a critic of 3-8-8 tanh layers, 24 rows, made-up data from numpy's generator with a fixed seed. The
conventions are Stable-Baselines3's: advantages normalised with the sample deviation + 1e-8, mean (R - V)^2 without a half,
norm clip with + 1e-6, Adam with epsilon 1e-5. Rows of the file: NAME,numbers. Matrices as [inputs][outputs].
"""
import numpy
import torch
from torch import nn

ROWS, INPUTS, ACTIONS = 24, 3, 2
CLIP, VALUE, ENTROPY, NORM, RATE = 0.2, 0.5, 0.01, 0.5, 3e-3


def line(name, values):
    flat = torch.as_tensor(values).detach().reshape(-1).tolist()
    print(",".join([name] + [repr(float(numpy.float32(v))) for v in flat]))


def perceptron(outputs, generator):
    sizes = [INPUTS, 8, 8, outputs]
    layers = []
    for index, (a, b) in enumerate(zip(sizes, sizes[1:])):
        linear = nn.Linear(a, b)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(generator.normal(0, 0.5, (b, a)), dtype=torch.float32))
            linear.bias.copy_(torch.tensor(generator.normal(0, 0.3, b), dtype=torch.float32))
        layers.append(linear)
        if index < len(sizes) - 2:
            layers.append(nn.Tanh())
    return nn.Sequential(*layers)


def parameters(actor, log_std, critic):
    result = []
    for prefix, network in (("actor", actor), ("critic", critic)):
        linears = [layer for layer in network if isinstance(layer, nn.Linear)]
        for index, layer in enumerate(linears):
            result += [(f"{prefix}.{index}.weight", layer.weight), (f"{prefix}.{index}.bias", layer.bias)]
        if prefix == "actor":
            result.append(("actor.log_std", log_std))
    return result


def main():
    torch.set_num_threads(1)
    generator = numpy.random.default_rng(7)
    tensor = lambda *shape: torch.tensor(generator.normal(0, 1, shape), dtype=torch.float32)
    actor, critic = perceptron(ACTIONS, generator), perceptron(1, generator)
    log_std = nn.Parameter(torch.tensor([-0.2, 0.1]))
    observations, actions = tensor(ROWS, INPUTS), tensor(ROWS, ACTIONS)
    old = -2.4 + 0.4 * tensor(ROWS)
    advantages, returns = 2 * tensor(ROWS), tensor(ROWS)
    named = parameters(actor, log_std, critic)

    def emit(prefix, of):
        for name, parameter in named:
            value = of(parameter)
            line(f"{prefix}.{name}", value.T if value.ndim == 2 else value)

    line("observations", observations)
    line("actions", actions)
    line("old", old)
    line("advantages", advantages)
    line("returns", returns)
    emit("start", lambda p: p.data)
    optimiser = torch.optim.Adam([p for _, p in named], lr=RATE, eps=1e-5)
    for step in range(1, 11):
        distribution = torch.distributions.Normal(actor(observations), log_std.exp().expand(ROWS, ACTIONS))
        log_prob = distribution.log_prob(actions).sum(1)
        ratio = (log_prob - old).exp()
        normal = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        policy_loss = -torch.min(ratio * normal, ratio.clamp(1 - CLIP, 1 + CLIP) * normal).mean()
        value_loss = nn.functional.mse_loss(returns, critic(observations).flatten())
        entropy = distribution.entropy().sum(1).mean()
        loss = policy_loss + VALUE * value_loss - ENTROPY * entropy
        optimiser.zero_grad()
        loss.backward()
        if step == 1:
            with torch.no_grad():
                log_ratio = log_prob - old
                line("policy_loss", policy_loss)
                line("value_loss", value_loss)
                line("entropy", entropy)
                line("kl", ((log_ratio.exp() - 1) - log_ratio).mean())
                line("clip_fraction", ((ratio - 1).abs() > CLIP).float().mean())
            emit("gradient", lambda p: p.grad)
        norm = nn.utils.clip_grad_norm_([p for _, p in named], NORM)
        if step == 1:
            line("norm", norm)
        optimiser.step()
        if step in (1, 10):
            emit(f"after{step}", lambda p: p.data)


if __name__ == "__main__":
    main()
