"""Documentation: what a newcomer can learn from the tree itself."""

from __future__ import annotations

from codex_audit.capabilities import docs_checks as checks
from codex_audit.capabilities.model import Capability, Probe, Remedy

CAPABILITY = Capability(
    id="docs",
    title="Documentation",
    summary="A newcomer can install, run, follow and join the project from what the tree holds.",
    probes=(
        Probe(
            id="docs.readme",
            ask="README says how to install and how to run",
            motivation="The first two commands decide whether anybody sees the rest.",
            counts="both, with commands or code to paste",
            excludes="a link to documentation elsewhere",
            risk="Users guess, and report what they guessed wrong.",
            remedy=Remedy(
                text="Add one install command and one run command to the README.",
                effort="minutes",
                touches=("file:README*", "new:README.md"),
            ),
            rollback="Revert the README.",
            references=("https://baseline.openssf.org/#osps-do-01",),
            check=checks.readme,
            component="documentation",
            core=True,
        ),
        Probe(
            id="docs.site",
            ask="Has a documentation site's sources",
            motivation="Documentation in the tree changes with the code that it describes.",
            counts="mkdocs.yml, Sphinx conf.py, docusaurus, or a docs folder with at least five pages",
            excludes="a link to a site whose sources are elsewhere",
            risk="The site describes another version than the one installed.",
            remedy=Remedy(
                text="Keep the pages under docs/ with the site's configuration beside them.",
                effort="days",
                touches=("file:docs/*", "new:mkdocs.yml", "+new:docs/index.md"),
            ),
            rollback="Delete the folder.",
            references=("https://diataxis.fr/",),
            check=checks.site,
        ),
        Probe(
            id="docs.examples",
            ask="Ships runnable examples or notebooks",
            motivation="A runnable example is documentation that can be tested.",
            counts="an examples/, scripts/, recipes/ or notebooks/ folder with runnable files, or README training "
            "commands with shipped configurations",
            excludes="links to examples that the tree does not hold",
            risk="Users assemble their first run from fragments, each a little differently.",
            remedy=Remedy(
                text="Ship one script that trains a small model in a minute.",
                effort="hours",
                touches=("file:examples/*", "new:examples/train_small.py"),
            ),
            rollback="Delete the script.",
            references=("https://diataxis.fr/tutorials/",),
            check=checks.examples,
        ),
        Probe(
            id="docs.changelog",
            ask="Keeps a changelog",
            motivation="Users must know what an upgrade changes before they upgrade.",
            counts="a CHANGELOG, HISTORY or NEWS file or release-notes pages in the repository",
            excludes="a news list in the README, an empty or placeholder file",
            risk="An upgrade changes results, and nobody can look up why.",
            remedy=Remedy(
                text="Start CHANGELOG.md with what the next release changes.",
                effort="minutes",
                touches=("file:CHANGELOG*", "new:CHANGELOG.md"),
            ),
            rollback="Delete the file.",
            references=("https://keepachangelog.com/",),
            check=checks.changelog,
        ),
        Probe(
            id="docs.contributing",
            ask="Explains how to contribute",
            motivation="Contributors need the steps from a clone to a change that can be merged.",
            counts="a CONTRIBUTING file or section with steps",
            excludes="a sentence that welcomes contributions, a link elsewhere",
            risk="Contributions arrive untested and in every style.",
            remedy=Remedy(
                text="Write CONTRIBUTING.md: set up, test, style, how to propose a change.",
                effort="minutes",
                touches=("file:CONTRIBUTING*", "new:CONTRIBUTING.md"),
            ),
            rollback="Delete the file.",
            references=("https://baseline.openssf.org/#osps-gv-03",),
            check=checks.contributing,
        ),
        Probe(
            id="docs.license",
            ask="Has a license file",
            motivation="Without a licence nobody may use the code.",
            counts="a LICENSE, LICENCE or COPYING file at the root",
            excludes="a licence field without the text",
            risk="Users cannot use or redistribute the work lawfully.",
            remedy=Remedy(
                text="Add the text of the chosen licence as LICENSE.",
                effort="minutes",
                touches=("new:LICENSE",),
            ),
            rollback="Delete the file.",
            references=("https://choosealicense.com/", "https://baseline.openssf.org/#osps-le-03"),
            check=checks.license_file,
            component="safeguards",
        ),
    ),
)
