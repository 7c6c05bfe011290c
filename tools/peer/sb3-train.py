"""Trains Stable-Baselines3's PPO on Reacher-v5 or Pendulum-v1 with the settings that `sinew train` has by default, and
prints one JSON object with the figures that `sinew train --json` prints. Called by tools/compare-sb3.
"""
import argparse
import json
import time

import gymnasium
import numpy
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize


class Clock(BaseCallback):
    """Time of rollouts and updates."""

    def _on_training_start(self):
        self.collect = self.update = 0.0
        self.mark = time.perf_counter()

    def _on_rollout_start(self):
        now = time.perf_counter()
        self.update += now - self.mark
        self.mark = now

    def _on_rollout_end(self):
        now = time.perf_counter()
        self.collect += now - self.mark
        self.mark = now

    def _on_training_end(self):
        self.update += time.perf_counter() - self.mark

    def _on_step(self):
        return True


def evaluate(model, normaliser, name, episodes):
    environment = gymnasium.make(name)
    returns = []
    for episode in range(episodes):
        observation, _ = environment.reset(seed=10_000 + episode)
        total, over = 0.0, False
        while not over:
            action, _ = model.predict(normaliser.normalize_obs(observation), deterministic=True)
            observation, reward, terminated, truncated, _ = environment.step(action)
            total += float(reward)
            over = terminated or truncated
        returns.append(total)
    return returns


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", default="Reacher-v5")
    parser.add_argument("--steps", type=int, default=40_960)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--episodes", type=int, default=50)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    environments = VecNormalize(
        DummyVecEnv([lambda: Monitor(gymnasium.make(arguments.task))] * 8), gamma=0.99)
    model = PPO(
        "MlpPolicy", environments, n_steps=256, batch_size=64, n_epochs=10, gae_lambda=0.95, clip_range=0.2,
        learning_rate=3e-4, ent_coef=0, vf_coef=0.5, max_grad_norm=0.5, device="cpu", seed=arguments.seed)
    clock = Clock()
    model.learn(arguments.steps, callback=clock)
    environments.training = False
    returns = evaluate(model, environments, arguments.task, arguments.episodes)
    seconds = clock.collect + clock.update
    print(json.dumps({
        "trainer": "stable-baselines3", "task": arguments.task, "seed": arguments.seed, "steps": model.num_timesteps,
        "collect_seconds": clock.collect, "update_seconds": clock.update,
        "steps_per_second": model.num_timesteps / seconds,
        "training_mean_return": float(numpy.mean([e["r"] for e in model.ep_info_buffer])),
        "evaluation_mean_return": float(numpy.mean(returns)), "evaluation_episodes": len(returns)}))


if __name__ == "__main__":
    main()
