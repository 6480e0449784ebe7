"""A small tree that trains with JAX, flax, optax and orbax."""

from __future__ import annotations

JAX_MODEL = """\
import flax.linen as nn
import jax.numpy as jnp


class Perceptron(nn.Module):
    width: int = 64
    classes: int = 10

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.classes)(nn.relu(nn.Dense(self.width)(jnp.asarray(x))))
"""

JAX_TRAIN = """\
import csv

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
from absl import app, flags, logging
from flax.training import train_state

from jaxed.model import Perceptron

FLAGS = flags.FLAGS
flags.DEFINE_integer("seed", 0, "seed of all random keys")
flags.DEFINE_integer("steps", 1000, "number of steps")
flags.DEFINE_float("learning_rate", 1e-3, "peak of the learning rate")
flags.DEFINE_string("folder", "/tmp/run", "where checkpoints go")
flags.DEFINE_string("train_file", "train.npz", "arrays to learn from")
flags.DEFINE_string("test_file", "test.npz", "arrays to evaluate on")
flags.DEFINE_bool("resume", False, "go on from the last checkpoint")


def create_state(key, steps, rate):
    model = Perceptron()
    params = model.init(key, jnp.ones((1, 784)))["params"]
    schedule = optax.warmup_cosine_decay_schedule(0.0, rate, steps // 10, steps)
    tx = optax.MultiSteps(optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule)), every_k_schedule=4)
    return train_state.TrainState.create(apply_fn=model.apply, params=params, tx=tx)


@jax.jit
def train_step(state, batch):
    def loss_fn(params):
        logits = state.apply_fn({"params": params}, batch["pixels"])
        return optax.softmax_cross_entropy_with_integer_labels(logits, batch["labels"]).mean()

    loss, grads = jax.value_and_grad(loss_fn)(state.params)
    return state.apply_gradients(grads=grads), loss


def evaluate(state, batches):
    hits = []
    for batch in batches:
        logits = state.apply_fn({"params": state.params}, batch["pixels"])
        hits.append(jnp.argmax(logits, -1) == batch["labels"])
    return {"accuracy": float(jnp.mean(jnp.concatenate(hits)))}


def main(argv):
    train_set, test_set = np.load(FLAGS.train_file), np.load(FLAGS.test_file)
    size = len(train_set["labels"])
    key, init_key = jax.random.split(jax.random.PRNGKey(FLAGS.seed))
    state = create_state(init_key, FLAGS.steps, FLAGS.learning_rate)
    manager = ocp.CheckpointManager(FLAGS.folder, options=ocp.CheckpointManagerOptions(max_to_keep=3))
    if FLAGS.resume and manager.latest_step() is not None:
        state = manager.restore(manager.latest_step(), args=ocp.args.StandardRestore(state))
    with open(f"{FLAGS.folder}/metrics.csv", "w") as file:
        writer = csv.DictWriter(file, ["step", "accuracy"])
        for step in range(int(state.step), FLAGS.steps):
            key, batch_key = jax.random.split(key)
            chosen = jax.random.permutation(batch_key, size)[:32]
            state, loss = train_step(state, {name: train_set[name][chosen] for name in ("pixels", "labels")})
            if step % 100 == 0:
                scores = evaluate(state, [test_set])
                writer.writerow({"step": step, **scores})
                logging.info("step %d loss %.3f %s", step, loss, scores)
                manager.save(step, args=ocp.args.StandardSave(state))


if __name__ == "__main__":
    app.run(main)
"""

JAX_TREE = {
    "jaxed/__init__.py": "from jaxed.model import Perceptron\n",
    "jaxed/model.py": JAX_MODEL,
    "jaxed/train.py": JAX_TRAIN,
}
