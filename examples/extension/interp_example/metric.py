"""A metric: the log probability of the answer."""

from pytest_interp.options import Metric, register_metric


def answer_logprob(logits, answer, counterfactual):
    """Log probability of the answer [row], of logits [row, vocabulary]."""
    return logits.float().log_softmax(-1).gather(1, answer[:, None]).squeeze(1)


ANSWER_LOGPROB = register_metric(
    Metric("answer_logprob", answer_logprob, unit="nats", least_gap=0.5)
)
