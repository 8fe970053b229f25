"""The map of all pairs of layers: values, baseline, difference, and how it reads."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import t as student_t
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from kdprobe.compare import compare
from kdprobe.compare.layers import LayerStream, _difference
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.result import Measurement, Refusal
from tests.compare.test_show import parsed
from tests.measures.similarity_oracles import debiased_cka, linear

N = 203
X = np.random.default_rng(0).normal(size=(N, 6)).astype(np.float32)
Y = np.random.default_rng(1).integers(0, 3, N)


def net(*widths, seed=0, shift=0.0):
    torch.manual_seed(seed)
    layers, d = [], 6
    for width in widths:
        layers += [nn.Linear(d, width), nn.ReLU(inplace=True)]
        d = width
    made = nn.Sequential(*layers, nn.Linear(d, 3))
    with torch.no_grad():
        made[0].bias += shift
    return made


TEACHER, STUDENT, TWINS = net(9, 8, 7, shift=30.0), net(5, 4, seed=1), [net(5, 4, seed=seed) for seed in (2, 3, 4)]


def hidden(model):
    """Each ReLU's output, in float64."""
    x, found = X.astype(np.float64), []
    for i in range(0, len(model) - 1, 2):
        x = np.maximum(x @ model[i].weight.detach().double().numpy().T + model[i].bias.detach().double().numpy(), 0)
        found.append(x)
    return found


def values(grid):
    return np.array([[np.nan if cell.value is None else cell.value for cell in line] for line in grid])


@pytest.fixture(scope="module")
def layers():
    """Batches of 40 in a shuffled order, and a tail of 3."""
    loader = DataLoader(TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), batch_size=40, shuffle=True)
    return compare(TEACHER, STUDENT, loader, task="classification", twins=TWINS, layers="auto").layer_map


def test_every_cell_is_the_cka_of_whole_gram_matrices(layers):
    assert layers.teacher == ("1", "3", "6:input")
    assert layers.student == ("1", "4:input")
    assert layers.rows == N
    for model, grid in ((STUDENT, layers.own), *zip(TWINS, layers.twins.values(), strict=True)):
        expected = [[debiased_cka(linear(a), linear(b)) for b in hidden(model)] for a in hidden(TEACHER)]
        np.testing.assert_allclose(values(grid), expected, atol=1e-5)


def test_trap_3_a_network_is_itself_under_a_shuffled_loader():
    """Two passes over a loader that shuffles would pair each row with another one: peers give 0.0007."""
    loader = DataLoader(TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), batch_size=40, shuffle=True)
    found = compare(TEACHER, TEACHER, loader, task="classification", layers="auto").layer_map
    np.testing.assert_allclose(np.diag(values(found.own)), 1, atol=1e-6)


def test_a_recurrent_student_and_a_convolutional_teacher_meet_by_path():
    class Images(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv1d(1, 5, 3), nn.Linear(5, 3)

        def forward(self, x):
            return self.fc(torch.relu(self.conv(x[:, None])).mean(dim=2))

    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.fc = nn.GRU(1, 4, batch_first=True), nn.Linear(4, 3)

        def forward(self, x):
            return {"logits": self.fc(self.gru(x[..., None])[1][-1])}

    teacher, student = Images(), Steps()
    found = compare(
        teacher,
        student,
        (X, Y),
        task="classification",
        layers={"teacher": ["conv", "last hidden"], "student": ["gru:0", "last hidden"]},
        forward=lambda model, batch: out["logits"] if isinstance(out := model(torch.as_tensor(batch[0])), dict) else out,
    )
    assert found.layer_map.teacher == ("conv", "fc:input")
    assert found.layer_map.student == ("gru:0", "fc:input")
    assert found.layers["student"] == {"gru:0": "gap over axis 1", "fc:input": "none"}
    with torch.no_grad():
        sides = [teacher.conv(torch.from_numpy(X)[:, None]).mean(dim=2), student.gru(torch.from_numpy(X)[..., None])[0].mean(dim=1)]
    expected = debiased_cka(*(linear(side.double().numpy()) for side in sides))
    assert found.layer_map.own[0][0].value == pytest.approx(expected, abs=1e-5)


def test_baseline_and_difference_are_those_of_the_cells(layers):
    own, twins = values(layers.own), np.array([values(grid) for grid in layers.twins.values()])
    np.testing.assert_allclose(values(layers.baseline), twins.mean(axis=0))
    np.testing.assert_allclose(values(layers.difference), own - twins.mean(axis=0))
    quantile, sd = student_t.ppf(0.975, 2), twins.std(axis=0, ddof=1)
    for i, line in enumerate(layers.difference):
        for j, cell in enumerate(line):
            assert cell.high - cell.value == pytest.approx(quantile * sd[i, j] * np.sqrt(1 + 1 / 3))
            assert cell.details["p"] == pytest.approx(2 * student_t.sf(abs(cell.value) / (sd[i, j] * np.sqrt(4 / 3)), 2))
            assert layers.baseline[i][j].high - layers.baseline[i][j].value == pytest.approx(quantile * sd[i, j] / np.sqrt(3))
            assert cell.estimand == layers.baseline[i][j].estimand == "this recipe"


def test_p_is_adjusted_over_the_map(layers):
    for grid in (layers.own, layers.difference):
        cells = [cell for line in grid for cell in line]
        p = np.array([cell.details["p"] for cell in cells])
        rank = p.argsort().argsort() + 1
        # Benjamini and Hochberg 1995: the least p·m/rank among the p that are as large or larger
        expected = [min(1.0, min(p[k] * len(p) / rank[k] for k in range(len(p)) if p[k] >= p[i])) for i in range(len(p))]
        assert [cell.details["p_adjusted"] for cell in cells] == pytest.approx(expected)


def test_the_interval_of_a_difference_covers_one_more_twin():
    rng, inside, draws = np.random.default_rng(0), 0, 4000
    for student, *twins in rng.normal(0.5, 0.02, size=(draws, 5)):
        cells = [Measurement(value=v, low=v, high=v, n=9) for v in (student, *twins)]
        found = _difference(*cells)
        inside += found.low <= 0 <= found.high
    # the student is one more twin: 95 % with a standard error of .35 points
    assert inside / draws == pytest.approx(0.95, abs=0.011)


def test_what_twins_cannot_tell_is_refused():
    found = compare(TEACHER, STUDENT, (X, Y), task="classification", twins=TWINS[:1], layers="auto").layer_map
    assert {cell.reason for line in found.difference for cell in line} == {"one twin shows no spread between twins"}
    assert np.isfinite(values(found.baseline)).all()
    with pytest.raises(DataError, match="twin 1 and twin 2 give the same outputs on every row: pass twins of different trainings"):
        compare(TEACHER, STUDENT, (X, Y), task="classification", twins=[TWINS[0], TWINS[0]], layers="auto")
    alone = compare(TEACHER, STUDENT, (X, Y), task="classification", layers="auto").layer_map
    assert alone.baseline == alone.difference == ()
    assert [name for name, _ in alone.grids()] == ["own"]


def test_a_constant_layer_is_a_refusal_in_its_cells_only():
    dead = net(5, 4, seed=1)
    with torch.no_grad():
        dead[0].weight.zero_()
    found = compare(TEACHER, STUDENT, (X, Y), task="classification", twins=[dead, *TWINS], layers="auto").layer_map
    assert all(isinstance(cell, Refusal) for line in found.twins["twin 1"] for cell in line)
    assert all(isinstance(cell, Refusal) for line in found.difference for cell in line)
    assert np.isfinite(values(found.own)).all()
    assert "is constant" in str(found.twins["twin 1"][0][0])


def test_twins_of_another_shape_are_refused():
    text = r"twin 1 has 1 layers \(2:input\), the student 2 \(1, 4:input\): pair them with layers=\{'twins': \.\.\.\}"
    with pytest.raises(PlanError, match=text):
        compare(TEACHER, STUDENT, (X, Y), task="classification", twins=[net(5, seed=2), *TWINS], layers="auto")
    other = nn.Sequential(nn.Identity(), *net(5, 4, seed=5))
    named = compare(
        TEACHER, STUDENT, (X, Y), task="classification", twins=[other], layers={"teacher": "*", "student": ["1", "3"], "twins": ["2", "4"]}
    )
    np.testing.assert_allclose(
        values(named.layer_map.baseline)[1, 1], debiased_cka(linear(hidden(TEACHER)[0]), linear(hidden(other[1:])[1])), atol=1e-5
    )


def test_one_layer_is_read_by_the_probes_and_several_make_a_map():
    one = compare(TEACHER, STUDENT, (X, Y), task="classification", layers="1")
    assert one.layer_map is None
    assert one.results["cka"]["own"].value == pytest.approx(debiased_cka(linear(hidden(TEACHER)[0]), linear(hidden(STUDENT)[0])), abs=1e-6)
    several = compare(TEACHER, STUDENT, (X, Y), task="classification", layers=["1", "0"])
    assert several.layer_map.teacher == ("1", "0")
    last = debiased_cka(linear(hidden(TEACHER)[2]), linear(hidden(STUDENT)[1]))
    assert several.results["cka"]["own"].value == pytest.approx(last, abs=1e-6)
    assert several.layers["student"] == {"1": "none", "0": "none", "4:input": "none"}
    mixed = compare(TEACHER, STUDENT, (X, Y), task="classification", layers={"teacher": "auto"})
    assert (mixed.layer_map.teacher, mixed.layer_map.student) == (("1", "3", "6:input"), ("4:input",))
    assert compare(np.ones((N, 3)) * X[:, :3], STUDENT, (X, Y), task="classification", layers="auto").layer_map is None


def test_no_layer_is_stored_but_the_last():
    from kdprobe.compare.adapted.adapt import adapt
    from kdprobe.compare.run import Reading, one_pass

    models = [
        adapt(model, name, "classification", forward=None, layers=["auto"], spatial="gap")
        for model, name in ((TEACHER, "teacher"), (STUDENT, "student"))
    ]
    passed = one_pass(models, (X, Y), Reading(kind="classification", forward=False), LayerStream())
    assert [list(one.features) for one in passed.ran] == [["6:input"], ["4:input"]]


def test_few_rows_give_no_map_or_refusals():
    for n in range(1, 12):
        found = compare(TEACHER, STUDENT, (X[:n], Y[:n]), task="classification", twins=TWINS, layers="auto")
        assert (found.layer_map is None) == (n < 4)
        assert str(found)


def test_nan_in_a_hidden_layer_names_it():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.head = nn.Linear(6, 4), nn.Linear(4, 4), nn.Linear(4, 3)

        def forward(self, x):
            hidden = self.first(x).clone()
            hidden[2] = torch.where(torch.tensor(True), torch.nan, hidden[2])
            return self.head(self.second(nn.functional.softplus(hidden)).nan_to_num())

    with pytest.raises(DataError, match=r"student second.*NaN or an infinity, first in row 2"):
        compare(TEACHER, Odd(), (X, Y), task="classification", layers=["*"])


def test_the_frame_is_tidy(layers):
    frame = layers.to_frame()
    assert not frame.duplicated(["comparison", "teacher_layer", "student_layer"]).any()
    assert frame["comparison"].unique().tolist() == ["own", "twin 1", "twin 2", "twin 3", "baseline", "difference"]
    cell = frame.set_index(["comparison", "teacher_layer", "student_layer"]).loc[("own", "3", "4:input")]
    assert cell["value"] == layers.own[1][1].value
    assert cell["null_sd"] == pytest.approx(np.sqrt(2 / (N * (N - 3))))
    assert frame.loc[frame["comparison"] == "difference", "t"].notna().all()


def test_text_and_html_show_three_grids_and_mark_what_is_not_told_from_the_null(layers):
    text, page = str(layers), parsed(layers._repr_html_())
    for title in ("student and teacher", "3 twins and teacher, mean", "difference"):
        assert title in text
        assert title in page.text
    assert text.count("6:input") == page.text.count("6:input") == 3
    assert "Of 6 cells, bracketed ones are not told from independent rows, in the difference not from one more twin" in " ".join(
        text.split()
    )
    sure = dataclasses.replace(layers.own[0][0], details={"p_adjusted": 0.01})
    unsure = dataclasses.replace(sure, value=0.4321, low=0.4, high=0.5, details={"p_adjusted": 0.2})
    refused = Refusal(reason='<img src=x onerror="alert(1)">')
    marked = dataclasses.replace(
        layers, teacher=("<b>",), student=("a", "b", "c"), own=((sure, unsure, refused),), twins={}, baseline=(), difference=()
    )
    assert "(0.43)" in str(marked)
    page = parsed(marked._repr_html_())
    assert {"img", "b"}.isdisjoint(page.tags)
    html = marked._repr_html_()
    assert [cell in page.text for cell in ("(0.43)", "–")] == [True, True]
    assert html.count('role="columnheader"') == 3
    assert "without twins this map does not show what was taken over" in html
    one = dataclasses.replace(layers, twins={"twin": layers.own}, baseline=layers.own, difference=())
    assert "One twin shows no spread between twins, so there is no difference: pass two or more." in str(one).replace("\n", " ")


def test_the_comparison_shows_its_map():
    found = compare(TEACHER, STUDENT, (X, Y), task="classification", twins=TWINS, layers="auto")
    assert str(found.layer_map) in str(found)
    assert found.layer_map._repr_html_() in found._repr_html_()
