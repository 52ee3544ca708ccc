"""The figures of this package's results. Each is imported when it is drawn, matplotlib with it."""

from pytest_interp.figures.registry import register_figure
from pytest_interp.results.ablations import Ablations
from pytest_interp.results.attention import AttentionPatterns
from pytest_interp.results.attribution import Attribution
from pytest_interp.results.circuit import CircuitResult
from pytest_interp.results.estimates import Estimates
from pytest_interp.results.head_scores import HeadScores
from pytest_interp.results.head_trace import HeadTrace
from pytest_interp.results.joint_trace import JointTrace
from pytest_interp.results.lens import LensResult
from pytest_interp.results.lenses import LensSet
from pytest_interp.results.paths import PathResult
from pytest_interp.results.probe import ProbeResult
from pytest_interp.results.steering import AblationResult, SteerResult
from pytest_interp.results.trace import TraceResult
from pytest_interp.results.traces import TraceSet
from pytest_interp.results.trajectories import Trajectories

register_figure(Estimates, "pytest_interp.figures.estimates:estimates_figure")
register_figure(PathResult, "pytest_interp.figures.paths:paths_figure")
register_figure(LensResult, "pytest_interp.figures.lens:lens_figure")
register_figure(LensSet, "pytest_interp.figures.lenses:lenses_figure")
register_figure(TraceResult, "pytest_interp.figures.trace:trace_figure")
register_figure(TraceSet, "pytest_interp.figures.traces:traces_figure")
register_figure(ProbeResult, "pytest_interp.figures.probe:probe_figure")
register_figure(SteerResult, "pytest_interp.figures.steering:steer_figure")
register_figure(AblationResult, "pytest_interp.figures.steering:ablation_figure")
register_figure(Trajectories, "pytest_interp.figures.trajectories:trajectories_figure")
register_figure(Ablations, "pytest_interp.figures.ablations:ablations_figure")
register_figure(CircuitResult, "pytest_interp.figures.circuits:circuit_figure")
register_figure(Attribution, "pytest_interp.figures.attribution:attribution_figure")
register_figure(AttentionPatterns, "pytest_interp.figures.attention:attention_figure")
register_figure(HeadScores, "pytest_interp.figures.head_scores:head_scores_figure")
register_figure(HeadTrace, "pytest_interp.figures.head_trace:head_trace_figure")
register_figure(JointTrace, "pytest_interp.figures.head_trace:joint_trace_figure")
