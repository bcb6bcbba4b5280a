"""The simple method that others are held against, or made of. numpy only."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def logistic_scores(training: Floats, labels: npt.NDArray[np.bool_], testing: Floats, ridge: float = 1.0) -> Floats:
    """Scores of ridge-penalised logistic regression on standardised features, by Newton's method."""
    weights, bias = logistic_line(training, labels, ridge)
    return np.asarray(testing @ weights + bias)


def logistic_line(training: Floats, labels: npt.NDArray[np.bool_], ridge: float = 1.0) -> tuple[Floats, float]:
    """Weights (features,) and bias of that regression, for features as they are."""
    mean, deviation = training.mean(0), training.std(0) + 1e-9
    learn = np.column_stack([(training - mean) / deviation, np.ones(len(training))])
    weights, penalty = np.zeros(learn.shape[1]), np.full(learn.shape[1], ridge * max(1.0, learn.shape[1] / 10))
    penalty[-1] = 1e-6
    for _ in range(30):
        share = 1 / (1 + np.exp(-np.clip(learn @ weights, -30, 30)))
        gradient = learn.T @ (share - labels) + penalty * weights
        hessian = (learn * (share * (1 - share))[:, None]).T @ learn + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        weights -= step * min(1.0, 2.0 / float(np.abs(step).max() + 1e-12))
        if float(np.abs(step).max()) < 1e-6:
            break
    line = weights[:-1] / deviation
    return line, float(weights[-1] - mean @ line)
