# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3

# %% [markdown]
# # Reading a heat map of layers, with its null
#
# A heat map of CKA between all layers of a teacher and a student is easily over-read: networks that never met are alike too. Three things
# make it readable. The **null**: what independent rows would give, known exactly. The **twin**: the student's network, trained without the
# teacher. The **spread between twins**: how far one more untaught network may lie off. Here all three are shown on deep perceptrons that
# are trained in a few seconds.

# %%
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

import kdprobe

digits = load_digits()
x = torch.tensor(digits.data / 16, dtype=torch.float32)
y = torch.tensor(digits.target)
train, probe = slice(0, 800), slice(800, None)


def network(width, seed):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def fit(model, seed, teacher=None, steps=300):
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        rows = torch.randint(0, 800, (64,), generator=generator)
        if teacher is None:
            loss = nn.functional.cross_entropy(model(x[train][rows]), y[train][rows])
        else:
            with torch.no_grad():
                soft = torch.softmax(teacher(x[train][rows]) / 2, dim=1)
            loss = nn.functional.cross_entropy(model(x[train][rows]) / 2, soft)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval()


teacher = fit(network(64, 0), 0)
student = fit(network(24, 1), 1, teacher)
twins = [fit(network(24, seed), seed) for seed in (1, 2, 3, 4)]

# %% [markdown]
# ## One cell first
#
# The value is debiased, so two representations that share nothing are near 0 and may be a little below it. `null_sd` is exact: under a
# random pairing of rows the value has mean 0 and sd √(2/(n(n-3))), whatever the data. `p` is one-sided, of "no more alike than rows paired
# at random"; that is a low bar, and nearly every cell of a real map clears it. It does not exclude that the two never met: classifiers
# share their classes. Nor does it hold for rows that cannot change places, such as the hours of a day: name these with `blocks=`. Where
# neighbouring rows are alike and no blocks are named, a note says so.

# %%
with torch.no_grad():
    deep_teacher, deep_student = teacher[:6](x[probe]).numpy(), student[:6](x[probe]).numpy()
pair = kdprobe.cka(deep_teacher, deep_student)
pair

# %%
shuffled = kdprobe.cka(deep_teacher, np.random.default_rng(0).permutation(deep_student))
{"paired": pair.details["z"], "rows shuffled": shuffled.details["z"], "null sd": pair.details["null_sd"]}

# %% [markdown]
# ## The map, and what it must be read against
#
# `compare` runs all models once over the rows and compares every hidden layer of the teacher with every one of the student. The first map
# is bright almost everywhere: that alone says nothing. The second is the mean of untaught twins, just as bright. Only the third, their
# difference, speaks of teaching, and its intervals say how far one more untaught network could lie off.

# %%
comparison = kdprobe.compare(teacher, student, (x[probe], y[probe]), task="classification", twins=twins, layers="auto")
comparison.layer_map

# %% [markdown]
# ## In numbers
#
# Cells whose difference stands out from the spread between twins have an interval that leaves out 0. Of many cells some will by chance:
# `p_adjusted` allows for their number (Benjamini and Hochberg).

# %%
cells = comparison.layer_map.to_frame()
shown = cells[cells["comparison"].isin(["own", "baseline", "difference"])]
shown.pivot_table(index="teacher_layer", columns=["comparison", "student_layer"], values="value", sort=False).round(2)

# %%
difference = cells[cells["comparison"] == "difference"]
difference[["teacher_layer", "student_layer", "value", "low", "high", "p_adjusted"]].sort_values("value", ascending=False).round(3).head()

# %% [markdown]
# ## What may be said
#
# * "The layers are alike" needs the first map and its null.
# * "The student is more like the teacher than an untaught network" needs the third map and its intervals.
# * "*This* teacher was transferred" needs sibling teachers (`siblings=`, or `kdprobe sweep`): any teacher of its recipe may give the same.
