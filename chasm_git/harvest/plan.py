"""What a harvest has to read: every source against what was read last time. Looks at folders, opens no source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive.plumbing import refs
from chasm_git.harvest.state import Known, State, load_state
from chasm_git.providers import registry
from chasm_git.providers.base import Env, Problem, Provider, Source
from chasm_git.providers.traces import Traces

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive


@dataclass(slots=True)
class ProviderPlan:
    """One provider's sources, sorted by what a harvest would do with them."""

    provider: Provider
    ref: str
    """Full name of the ref that records what the provider last held."""
    ref_commit: str | None
    state: State
    new: list[Source] = field(default_factory=list)
    changed: list[Source] = field(default_factory=list)
    shrunk: list[Source] = field(default_factory=list)
    """Changed, and with fewer bytes than before."""
    unchanged: list[Source] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    """Keys of sources that are gone; what they held stays in the archive."""
    problems: list[Problem] = field(default_factory=list)
    """Folders that cannot be listed, and files that could not be read last time and have not changed since."""

    def to_read(self) -> list[Source]:
        """What a harvest reads."""
        return [*self.new, *self.changed, *self.shrunk]

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.provider.name


@dataclass(slots=True)
class Plan:
    """All providers' plans, and whether the archive moved since the last harvest."""

    head: str | None
    providers: list[ProviderPlan]

    def is_idle(self) -> bool:
        """Whether a harvest would find nothing to do."""
        return not any(one.to_read() or (one.state.sources and one.state.head != self.head) for one in self.providers)


def provider_ref(machine: str, provider: str) -> str:
    """The ref that records what a provider held on a machine."""
    return f"refs/chasm/providers/{machine}/{provider}"


def state_folder(archive: Archive) -> Path:
    """Where the state of this machine's harvests is kept."""
    return archive.state_dir / "harvest"


def make_plan(archive: Archive, env: Env, machine: str, names: Iterable[str] | None = None) -> Plan:
    """Compare every source below `env` with the last harvest.

    Args:
        machine: name of this machine, as it stands in refs.
        names: providers to look at; None = all registered ones that left a trace here (`traces`).

    Raises UsageError for a name that is not registered.
    """
    traces = Traces(env) if names is None else None
    plans = [_plan(archive, name, traces, env, machine) for name in names or registry.names()]
    return Plan(archive.head(), [plan for plan in plans if plan is not None])


def _plan(archive: Archive, name: str, traces: Traces | None, env: Env, machine: str) -> ProviderPlan | None:
    """One provider's plan; None for a client that nobody named, that is not on this machine and never was."""
    ref = provider_ref(machine, name)
    commit = refs.read_ref(archive, ref)
    if commit is None and traces is not None and not traces.has(name):
        return None
    state = load_state(state_folder(archive), name, commit)
    return _sorted(ProviderPlan(registry.load(name), ref, commit, state), env)


def plan_from_nothing(provider: Provider, env: Env) -> ProviderPlan:
    """The plan for an archive that does not exist yet."""
    return _sorted(ProviderPlan(provider, "", None, State()), env)


def _sorted(plan: ProviderPlan, env: Env) -> ProviderPlan:
    known = dict(plan.state.sources)
    for found in plan.provider.discover(env):
        if isinstance(found, Problem):
            plan.problems.append(found)
            continue
        before = known.pop(found.key, None)
        if before is None:
            plan.new.append(found)
        elif before.stamp == found.stamp:
            plan.unchanged.append(found)
            if before.problem is not None:
                plan.problems.append(Problem(str(found.path), before.problem))
        elif size_of(found.stamp) < size_of(before.stamp):
            plan.shrunk.append(found)
        else:
            plan.changed.append(found)
    plan.vanished = list(known)
    return plan


def size_of(stamp: str) -> int:
    """The bytes of all files of a stamp (`providers.base.stamp`)."""
    return sum(int(part.partition(":")[0]) for part in stamp.split() if part.partition(":")[0].isdigit())


def missing(known: Known, files: dict[str, str]) -> list[list[str]]:
    """Sessions of a source whose file in the archive is not what the last harvest left."""
    return [session for session in known.sessions if files.get(session[0]) != session[1]]
