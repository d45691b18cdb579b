"""The history of the scripted month tells exactly its story, from what a store kept of each day."""

from pathlib import Path

import pytest

from scanner.cli.past import looks
from scanner.cli.past.show import told
from scanner.render.history import text
from tests import month_kept
from tests.conftest import Atlascan

STORY = """\
History of Acme (locked)
9 looks, from 2026-10-01 06:00 UTC to 2026-10-29 06:00 UTC

Open, the oldest first (1)

  medium    acme/hardly-any-org-admins  org/0b5d1a52-7c1e-4a7e-9f0c-5d2f6a1e0002  Acme (locked)
            open, seen in the last look only: 2026-10-29
              2026-10-29  cannot be compared from here  after 2026-10-26: the policy has another
                                                        version

Not open any more, or seen again (6)

  critical  jira/no-anonymous-permissions  jira.permission_scheme/acme/10000  Company scheme
            open for 14 d: 2026-10-12 to 2026-10-26, then closed, a part of it out of sight
              2026-10-12  opened  after 2026-10-08: the scheme Company scheme grants permissions to
                                  anyone on the web, in each project that uses it
              2026-10-19  out of sight  after 2026-10-15: not all of its kind could be read: refused
                                        (403): The scenario refuses this.
              2026-10-22  in sight again  after 2026-10-19: the scheme Company scheme grants
                                          permissions to anyone on the web, in each project that
                                          uses it
              2026-10-26  closed  after 2026-10-22: grants[BROWSE_PROJECTS:projectRole:10002].holder_type is
                                  projectRole;
                                  grants[CREATE_ISSUES:group:276f955c-63d7-42c8-9520-92d01dca0003].holder_type is
                                  group; grants[EDIT_ISSUES:reporter:-].holder_type is reporter;
                                  grants[ADMINISTER_PROJECTS:group:276f955c-63d7-42c8-9520-92d01dca0001].holder_type
                                  is group

  high      jira/no-public-filters  jira.filter/acme/10101  Operations today
            open for 14 d: 2026-10-12 to 2026-10-26, then closed, a part of it out of sight
              2026-10-12  opened  after 2026-10-08: anyone on the web finds the filter Operations
                                  today
              2026-10-19  out of sight  after 2026-10-15: cannot be judged: not all of
                                        jira.project/acme/APP is known
              2026-10-22  in sight again  after 2026-10-19: anyone on the web finds the filter
                                          Operations today
              2026-10-26  closed  after 2026-10-22: shares[project:acme/OPS].type is project;
                                  shares[project:acme/OPS].target is acme/OPS

  critical  jira/no-anonymous-permissions  jira.site/acme  permission scheme
              2026-10-19  out of sight  after 2026-10-15: refused (403): The scenario refuses this.
              2026-10-22  in sight again  after 2026-10-19: nothing is unknown there any more

  medium    jira/no-any-user-permissions  jira.site/acme  permission scheme
              2026-10-19  out of sight  after 2026-10-15: refused (403): The scenario refuses this.
              2026-10-22  in sight again  after 2026-10-19: nothing is unknown there any more

  high      jira/no-public-filters  jira.filter/acme/10100  Team board
            open for 3 d: 2026-10-12 to 2026-10-15, then gone with what was open
              2026-10-12  opened  after 2026-10-08: anyone on the web finds the filter Team board
              2026-10-15  gone  after 2026-10-12: it is not there, and all of its kind was read

  high      access/approved-domains-need-approval  org.access_domain/acme.example  acme.example
            open for 3 d: 2026-10-05 to 2026-10-08, then closed
              2026-10-05  opened  after 2026-10-01: people at acme.example may join without
                                  anybody's approval
              2026-10-08  closed  after 2026-10-05:
                                  products[ari:cloud:jira-software::app/all].access_mode is
                                  REQUEST_ACCESS

Policies

  Each sign is a look: ▁ nothing fails, ▂ to █ the more fails, ? nothing fails and something is
  unknown, · not applied.

  ▁▁▁▁▁▁▁▁█  medium    acme/hardly-any-org-admins  1 failing; version 2 from 2026-10-29
  ▁▁▁██?█▁▁  critical  jira/no-anonymous-permissions  nothing fails
  ▁█▁▁▁▁▁▁▁  high      access/approved-domains-need-approval  nothing fails
  ▁▁▁█▅?▅▁▁  high      jira/no-public-filters  nothing fails
  ▁▁▁▁▁?▁▁▁  medium    jira/no-any-user-permissions  nothing fails
  policies of which nothing ever failed or was unknown: 51

Not to be compared

  2026-10-29  acme/hardly-any-org-admins is of version 2 now, and was of 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a store of the month."""
    folder: Path = tmp_path_factory.mktemp("month")
    month_kept.kept(folder)
    return folder


def test_the_results_tell_the_story_of_the_month(folder: Path, atlascan: Atlascan) -> None:
    done = atlascan("history", str(folder / "store"))
    assert (done.code, done.err) == (0, "")
    assert done.out == STORY


def test_the_snapshots_judged_again_by_one_configuration_tell_it_without_the_bump(folder: Path) -> None:
    judge = looks.Judge(folder / "before" / "atlascan.yaml")
    again = text.render(told(str(folder / "store"), looks.Window(), judge, rejudge=True))
    bare = told(str(folder / "days"), looks.Window(), judge)
    assert again == text.render(bare)
    begin, _, rest = STORY.partition("Open, the oldest first (1)\n")
    _, closed, after = rest.partition("Not open any more, or seen again (6)\n")
    stories, _, _ = after.partition("Policies\n")
    assert again.startswith(f"{begin}Open, the oldest first (0)\n\n  nothing fails in the last look\n\n{closed}{stories}")
    assert "version 2" not in again
