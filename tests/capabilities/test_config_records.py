"""Probes of configuration: settings objects, what is handed on whole, and files of models."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.config import CAPABILITY
from tests.capabilities.asking import answer_of

SETTINGS = """\
import dataclasses, json
@dataclasses.dataclass
class {name}:
    rank: int = 8
    def to_dict(self):
        return dataclasses.asdict(self)
    def save(self, folder):
        known = self.to_dict()
        with open(folder + "/" + NAME, "w") as stream:
            stream.write(json.dumps(known))
{name}().save("out")
"""
HANDED = """\
import zipfile
def pack(path, data):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", str(data))
class Algorithm:
    def __init__(self, rate):
        self.rate = rate
    def save(self, path):
        data = {what}
        pack(path, data)
Algorithm(0.1).save("a.zip")
"""
COPIES = """\
import shutil
def prepare(source, target):
    for name in {names}:
        shutil.copyfile(source + name, target + name)
prepare("a/", "b/")
"""
WRITES = """\
import json
def prepare(folder):
    known = {{{items}}}
    with open(folder + "/{file}", "w") as stream:
        json.dump(known, stream)
prepare("out")
"""
READS = """\
from runner import {maker}
def run({parameter}):
    config = {maker}({given})
    return config.rate
run("x")
"""

YES: list[tuple[str, str]] = [
    ("saved", SETTINGS.format(name="TuningConfig")),
    ("saved", HANDED.format(what="self.__dict__.copy()")),
    ("saved", COPIES.format(names="['config.yaml']")),
    ("saved", WRITES.format(items="'rate': 0.1", file="config.json")),
    ("file", READS.format(maker="ConfigObject", parameter="config_filepath", given="config_filepath")),
    (
        "override",
        (
            "import argparse\ndef add(parser: argparse._SubParsersAction):\n"
            "    run = parser.add_parser('run')\n    run.add_argument('--rate')\nadd(1)\n"
        ),
    ),
    (
        "schema",
        (
            "import argparse, dataclasses\ndef parse(cls):\n    parser = argparse.ArgumentParser()\n"
            "    for item in dataclasses.fields(cls):\n        parser.add_argument('--' + item.name, type=item.type)\n"
            "    return cls(**vars(parser.parse_args()))\nparse(int)\n"
        ),
    ),
]
NO: list[tuple[str, str]] = [
    ("saved", SETTINGS.format(name="NetworkModelConfig")),
    ("saved", HANDED.format(what="self.rate")),
    ("saved", COPIES.format(names="['hparams.json', 'encoder.json', 'vocab.bpe']")),
    ("saved", WRITES.format(items="'architectures': [], 'vocab_size': 9", file="config.json")),
    ("saved", WRITES.format(items="'rate': 0.1", file="tokenizer_config.json")),
    ("file", READS.format(maker="ConfigObject", parameter="rate", given="rate")),
    ("file", READS.format(maker="PretrainedConfig", parameter="config_path", given="config_path")),
    ("override", "def add_args(parser):\n    parser.add_argument('--rate')\nadd_args(1)\n"),
    (
        "schema",
        (
            "import argparse, dataclasses\nparser = argparse.ArgumentParser()\nparser.add_argument('--rate')\n"
            "print(dataclasses.fields(parser))\n"
        ),
    ),
]


@pytest.mark.parametrize(("probe", "source"), YES)
def test_the_real_thing_counts(probe: str, source: str) -> None:
    answer = answer_of(CAPABILITY, probe, {"train.py": source})
    assert answer.verdict == "yes", answer


@pytest.mark.parametrize(("probe", "source"), NO)
def test_its_look_alike_does_not(probe: str, source: str) -> None:
    answer = answer_of(CAPABILITY, probe, {"train.py": source})
    assert answer.verdict == "no", answer


def test_a_file_name_belongs_to_the_file_that_is_open() -> None:
    source = """\
import json
def save(name, vocabulary, config):
    with open(name + "_vocab.json", "w") as stream:
        json.dump(vocabulary, stream)
    with open(name + "_config.json", "w") as stream:
        json.dump(config, stream)
save("a", {}, {})
"""
    answer = answer_of(CAPABILITY, "saved", {"train.py": source})
    assert [item.line for item in answer.evidence] == [6]
