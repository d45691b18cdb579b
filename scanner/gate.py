"""The gate: what findings mean for a pipeline."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scanner.model import BaselineState, Finding, Gate, Report, Severity


@dataclass(frozen=True, slots=True)
class Gating:
    """How a result is to be gated, as the command line says: `fail_on` takes the place of the configured severity."""

    fail_on: Severity | None = None
    fail_on_new: bool = False
    allow_unknown: bool = False
    baseline: Report | None = None

    def tally(self, configured: Severity) -> "Tally":
        """Return what counts by it. If only `new` was named, what is known does not matter, and the configured severity stays."""
        if self.fail_on_new:
            return Tally(self.fail_on, configured)
        return Tally(self.fail_on or configured)


class Tally:
    """Counts findings as they pass by, and says at the end what they mean for a pipeline.

    A finding matters at `fail_on` or above; one that is new against the baseline matters at `new` or above, too.
    """

    def __init__(self, fail_on: Severity | None, new: Severity | None = None) -> None:
        if fail_on and new and fail_on.rank <= new.rank:
            new = None  # everything that is new matters already
        self._fail_on, self._new = fail_on, new
        # Sets, because every finding is looked up: there may be millions.
        self._whole, self._if_new = _from(fail_on), _from(new)
        self._counted: Counter[str] = Counter()

    def __call__(self, finding: Finding) -> Finding:
        """Count a finding, and hand it on as it is."""
        if finding.severity in self._whole:
            self._counted[finding.word] += 1
        elif finding.severity in self._if_new:
            known = finding.counts and finding.baseline is not BaselineState.NEW
            self._counted[f"known {finding.word}" if known else finding.word] += 1
        return finding

    def gate(self, *, allow_unknown: bool, not_scanned: Sequence[str] = ()) -> Gate:
        """Return 1 if something fails that matters, else 3 if something that matters is unknown, else 0; and say why.

        Of the sites that were to be scanned and are `not_scanned`, nothing is known.
        """
        failed, unknown = self._counted["fail"], self._counted["unknown"]
        excused = f", {self._counted['waived']} waived" if self._counted["waived"] else ""
        code, because = 0, f"{self._passes()}{excused}{f', {unknown} unknown allowed' if unknown else ''}{self._known()}"
        if failed:
            also = f"; {unknown} could not be judged" if unknown else ""
            code, because = 1, f"{self._failures(failed)}{excused}{also}{self._known()}"
        elif (unknown or not_scanned) and not allow_unknown:
            things = [f"{unknown} {self._only_new}{_plural('thing', unknown)} could not be judged"] * bool(unknown)
            sites = [f"of {', '.join(not_scanned)} nothing is in the snapshot"] * bool(not_scanned)
            code, because = 3, f"{self._nothing_fails()}{excused}, but {' and '.join(things + sites)}{self._known()}"
        elif not any(self._counted[word] for word in ("pass", "fail", "waived", "known fail")):
            code, because = 3, f"nothing was judged at severity {self._new or self._fail_on} or above"
        return Gate(fail_on=self._fail_on, fail_on_new=self._new, allow_unknown=allow_unknown, exit_code=code, because=because)

    @property
    def _only_new(self) -> str:
        return "" if self._fail_on else "new "

    @property
    def _scope(self) -> str:
        return f"at severity {self._fail_on or self._new} or above"

    def _failures(self, number: int) -> str:
        too = f", or new at severity {self._new} or above" if self._fail_on and self._new else ""
        return f"{number} {self._only_new}{_plural('failure', number)} {self._scope}{too}"

    def _nothing_fails(self) -> str:
        too = f" and nothing new at severity {self._new} or above" if self._fail_on and self._new else ""
        return f"nothing {self._only_new}fails {self._scope}{too}"

    def _passes(self) -> str:
        return self._nothing_fails() if self._new else f"everything {self._scope} was judged and passes"

    def _known(self) -> str:
        """Say how much is let through because the baseline has it."""
        failed, unknown = self._counted["known fail"], self._counted["known unknown"]
        parts = [f"{failed} {_plural('failure', failed)}"] * bool(failed) + [f"{unknown} unknown"] * bool(unknown)
        return f"; known from the baseline: {', '.join(parts)}" if parts else ""


def gate(findings: Iterable[Finding], fail_on: Severity | None, *, new: Severity | None = None, allow_unknown: bool) -> Gate:
    """Return what findings mean for a pipeline; `Tally` says how."""
    tally = Tally(fail_on, new)
    for finding in findings:
        tally(finding)
    return tally.gate(allow_unknown=allow_unknown)


# ---------------------------------------------------------------------------------------------------------------- private


def _from(lowest: Severity | None) -> frozenset[Severity]:
    return frozenset(each for each in Severity if lowest and each.rank >= lowest.rank)


def _plural(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"
