"""One recurrent PPO minibatch by PyTorch: writes the golden numbers of Tests/Golden/ppo-gru.csv and ppo-lstm.csv.

Run: python3 tools/peer/ppo-recurrent-minibatch.py gru > Tests/Golden/ppo-gru.csv      (torch 2.x, CPU; likewise lstm)

A Gaussian policy and a critic, each a recurrent layer of 5 units in front of a tanh layer of 8; 4 sequences of 6 steps with
given states in front, episodes that begin within sequences, made-up data from numpy's generator with a fixed seed. The
conventions are those of ppo-minibatch.py. Rows of the file: NAME,numbers; data time-major. Matrices as [inputs][outputs];
gates in ONNX's order (z, r, h or i, o, f, c).
"""
import sys

import numpy
import torch
from torch import nn

STEPS, SEQUENCES, INPUTS, ACTIONS, UNITS, HIDDEN = 6, 4, 3, 2, 5, 8
CLIP, VALUE, ENTROPY, NORM, RATE = 0.2, 0.5, 0.01, 0.5, 3e-3
# PyTorch's gates (r, z, n and i, f, g, o) in ONNX's order.
ORDER = {"gru": [1, 0, 2], "lstm": [0, 3, 1, 2]}


def line(name, values):
    flat = torch.as_tensor(values).detach().reshape(-1).tolist()
    print(",".join([name] + [repr(float(numpy.float32(v))) for v in flat]))


class Network(nn.Module):
    def __init__(self, kind, outputs, generator):
        super().__init__()
        self.kind = kind
        self.cell = (nn.GRUCell if kind == "gru" else nn.LSTMCell)(INPUTS, UNITS)
        self.hidden, self.output = nn.Linear(UNITS, HIDDEN), nn.Linear(HIDDEN, outputs)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.tensor(generator.normal(0, 0.5, parameter.shape), dtype=torch.float32))

    def forward(self, observations, states, keep):
        h, c = states[:, :UNITS], states[:, UNITS:]
        rows = []
        for step in range(STEPS):
            mask = keep[step][:, None]
            if self.kind == "gru":
                h = self.cell(observations[step], h * mask)
            else:
                h, c = self.cell(observations[step], (h * mask, c * mask))
            rows.append(self.output(torch.tanh(self.hidden(h))))
        return torch.cat(rows)

    def named(self, prefix):
        def gates(parameter):
            parts = parameter.reshape(len(ORDER[self.kind]), UNITS, -1)
            ordered = parts[ORDER[self.kind]].reshape(parameter.shape)
            return ordered.T if ordered.ndim == 2 else ordered

        dense = lambda parameter: parameter.T if parameter.ndim == 2 else parameter
        return [
            (f"{prefix}.memory.input.weight", self.cell.weight_ih, gates),
            (f"{prefix}.memory.recurrent.weight", self.cell.weight_hh, gates),
            (f"{prefix}.memory.input.bias", self.cell.bias_ih, gates),
            (f"{prefix}.memory.recurrent.bias", self.cell.bias_hh, gates),
            (f"{prefix}.0.weight", self.hidden.weight, dense), (f"{prefix}.0.bias", self.hidden.bias, dense),
            (f"{prefix}.1.weight", self.output.weight, dense), (f"{prefix}.1.bias", self.output.bias, dense),
        ]


def main():
    kind = sys.argv[1] if sys.argv[1:] in (["gru"], ["lstm"]) else sys.exit("gru or lstm?")
    torch.set_num_threads(1)
    generator = numpy.random.default_rng(11)
    tensor = lambda *shape: torch.tensor(generator.normal(0, 1, shape), dtype=torch.float32)
    actor, critic = Network(kind, ACTIONS, generator), Network(kind, 1, generator)
    log_std = nn.Parameter(torch.tensor([-0.2, 0.1]))
    rows, width = STEPS * SEQUENCES, UNITS * (1 if kind == "gru" else 2)
    observations, actions = tensor(STEPS, SEQUENCES, INPUTS), tensor(rows, ACTIONS)
    actor_states, critic_states = 0.5 * tensor(SEQUENCES, width), 0.5 * tensor(SEQUENCES, width)
    old, advantages, returns = -2.4 + 0.4 * tensor(rows), 2 * tensor(rows), tensor(rows)
    keep = torch.ones(STEPS, SEQUENCES)
    keep[2, 1] = keep[5, 1] = keep[3, 2] = 0
    named = actor.named("actor") + [("actor.log_std", log_std, lambda p: p)] + critic.named("critic")

    for name, value in [("observations", observations), ("actions", actions), ("old", old), ("advantages", advantages),
                        ("returns", returns), ("keep", keep), ("actor_states", actor_states),
                        ("critic_states", critic_states)]:
        line(name, value)
    for name, parameter, layout in named:
        line(f"start.{name}", layout(parameter.data))
    parameters = [parameter for _, parameter, _ in named]
    optimiser = torch.optim.Adam(parameters, lr=RATE, eps=1e-5)
    for step in range(1, 11):
        mean = actor(observations, actor_states, keep)
        distribution = torch.distributions.Normal(mean, log_std.exp().expand(rows, ACTIONS))
        log_prob = distribution.log_prob(actions).sum(1)
        ratio = (log_prob - old).exp()
        normal = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        policy_loss = -torch.min(ratio * normal, ratio.clamp(1 - CLIP, 1 + CLIP) * normal).mean()
        value_loss = nn.functional.mse_loss(returns, critic(observations, critic_states, keep).flatten())
        entropy = distribution.entropy().sum(1).mean()
        loss = policy_loss + VALUE * value_loss - ENTROPY * entropy
        optimiser.zero_grad()
        loss.backward()
        if step == 1:
            line("policy_loss", policy_loss)
            line("value_loss", value_loss)
            line("entropy", entropy)
            line("clip_fraction", ((ratio - 1).abs() > CLIP).float().mean())
            for name, parameter, layout in named:
                line(f"gradient.{name}", layout(parameter.grad))
        norm = nn.utils.clip_grad_norm_(parameters, NORM)
        if step == 1:
            line("norm", norm)
        optimiser.step()
    for name, parameter, layout in named:
        line(f"after10.{name}", layout(parameter.data))


if __name__ == "__main__":
    main()
