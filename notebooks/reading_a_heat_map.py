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
# ---

# %% [markdown]
# # Reading a heat map of layers, with its null
#
# A heat map of CKA between all layers of a teacher and a student is easily over-read: networks that never met are alike too. Three things
# make it readable. The **null**: what independent rows would give, known exactly. The **twin**: the student's network, trained without the
# teacher. The **spread between twins**: how far one more untaught network may lie off. Here all three are shown on deep perceptrons that
# are trained in a few seconds.

# %%
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import torch
from sklearn.datasets import load_digits
from torch import nn

import kdprobe

sns.set_theme(style="white", palette="colorblind", context="notebook", rc={"figure.dpi": 90})
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

# %% [markdown]
# What the null means can be seen: two hundred times the rows are shuffled. The values scatter about 0, by as much as the formula says (the
# band is one sd either side), with a longer tail to the right. The pair as it is lies far off the picture.

# %%
rng = np.random.default_rng(0)
shuffled = [kdprobe.cka(deep_teacher, rng.permutation(deep_student)).value for _ in range(200)]
sd, z = pair.details["null_sd"], pair.details["z"]
figure, axis = plt.subplots(figsize=(7, 2.8), layout="constrained")
axis.axvspan(-sd, sd, color="0.9", label=f"the formula's sd: {sd:.4f}")
axis.hist(shuffled, bins=24, color="C0", alpha=0.6, label=f"rows shuffled, sd {np.std(shuffled):.4f}")
axis.annotate(
    f"as they are: {pair.value:.2f},\n{z:,.0f} sd to the right", (0.99, 0.45), (0.8, 0.45), xycoords="axes fraction", color="C3",
    va="center", ha="center", arrowprops={"arrowstyle": "->", "color": "C3"},
)  # fmt: skip
axis.set(xlabel="CKA, debiased", yticks=[], xlim=(-5 * sd, 8 * sd))
axis.legend(frameon=False, loc="upper right")
plt.show()

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
# ## Which cells speak
#
# Cells whose difference stands out from the spread between twins have an interval that leaves out 0. Of many cells some will by chance:
# filled marks still stand out once their number is allowed for (Benjamini and Hochberg, `p_adjusted` below .05). Where no mark is filled,
# the student is not told apart from one more untaught network, however bright its map.

# %%
cells = comparison.layer_map.to_frame()
difference = cells[cells["comparison"] == "difference"].astype({"value": float, "low": float, "high": float}).sort_values("value")
pairs = list(difference["teacher_layer"] + " · " + difference["student_layer"])
figure, axis = plt.subplots(figsize=(7, 0.3 * len(pairs) + 0.9), layout="constrained")
for place, cell in enumerate(difference.itertuples()):
    axis.plot([cell.low, cell.high], [place, place], color="C0")
    axis.plot(cell.value, place, "o", color="C0", markerfacecolor="C0" if cell.p_adjusted < 0.05 else "white")
axis.axvline(0, color="0.3", linestyle=":")
axis.set(yticks=range(len(pairs)), yticklabels=pairs, xlabel="CKA of the student less that of untaught twins")
plt.show()

# %% [markdown]
# ## What may be said
#
# * "The layers are alike" needs the first map and its null.
# * "The student is more like the teacher than an untaught network" needs the third map and its intervals.
# * "*This* teacher was transferred" needs sibling teachers (`siblings=`, or `kdprobe sweep`): any teacher of its recipe may give the same.
