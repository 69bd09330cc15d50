"""`postroom completion SHELL`: scripts made from the table of verbs and their parsers. Names are looked up when typed."""

from __future__ import annotations

from argparse import Action
from importlib import import_module

from postroom.cli import parsing
from postroom.cli.call import Call
from postroom.cli.command import Command
from postroom.cli.parsing import Parser
from postroom.cli.table import VERBS, Verb
from postroom.core.types import NamedTuple

SHELLS = ("bash", "zsh", "fish")
NAMED = {"TO", "NAME", "AGENT"}
ROOMS = {"ROOM"}
TAGS = {"TAG"}
PATHS = {"PATH", "DIR"}
SOURCES = {
    "names": "agents --names",
    "addresses": "agents --addresses",
    "rooms": "rooms --names",
    "tags": "agents --tags",
    "held": "held --ids",
}
"""What may be typed that is looked up, and how."""
PROGRAM = "postroom"


class Option(NamedTuple):
    """One option of a verb, and what its value may be: names of agents or rooms, paths, some words, or nothing that could be completed."""

    spelling: str
    takes_value: bool
    choices: tuple[str, ...]
    values: str  # a key of SOURCES, or paths, words, none
    help: str


class Entry(NamedTuple):
    """A verb with its options; and whether its first word is the name of an agent, a path, or one of some words."""

    verb: Verb
    options: list[Option]
    first: Option | None


def arguments(parser: Parser) -> None:
    """The argument of `completion`."""
    parser.add_argument("shell", choices=SHELLS, help="the shell")


def run(call: Call) -> None:
    """Print the script."""
    call.output.write({"bash": bash, "zsh": zsh, "fish": fish}[call.args.shell](entries()))


def entries() -> list[Entry]:
    """All verbs with their options."""
    return [entry(verb) for verb in VERBS]


def entry(verb: Verb) -> Entry:
    """A verb with its options, from its parser."""
    command = import_module(f"{__package__}.{verb.module}").COMMANDS[verb.name]
    actions = parsing.parser(verb.name, command)._actions  # noqa: SLF001  # argparse offers no other way to its table
    options = [option(action, max(action.option_strings, key=len)) for action in actions if action.option_strings]
    words = [option(action, action.dest) for action in actions if not action.option_strings]
    if verb.module == "held" and words and words[0].spelling == "id":
        words[0] = words[0]._replace(values="held")
    return Entry(verb, options, words[0] if words else None)


def option(action: Action, spelling: str) -> Option:
    """An option or a word, and what may be typed for it."""
    choices = tuple(str(choice) for choice in action.choices or ())
    kinds = {"names": NAMED, "rooms": ROOMS, "tags": TAGS, "paths": PATHS}
    values = "words" if choices else next((kind for kind, metavars in kinds.items() if action.metavar in metavars), "none")
    if action.type is parsing.names:
        values = "addresses"
    return Option(spelling, action.nargs != 0, choices, values, (action.help or "").replace("'", ""))


def subverbs(entries: list[Entry]) -> dict[str, list[str]]:
    """The second words of verbs that have two, by their first."""
    found: dict[str, list[str]] = {}
    for one in entries:
        first, _, second = one.verb.name.partition(" ")
        if second:
            found.setdefault(first, []).append(second)
    return found


def first_words(entries: list[Entry]) -> list[str]:
    """The words that verbs begin with, each once."""
    return list(dict.fromkeys(one.verb.name.partition(" ")[0] for one in entries))


# bash


def bash(entries: list[Entry]) -> str:
    """The script for bash: `eval "$(postroom completion bash)"`."""
    verbs = "\n".join(bash_verb(one) for one in entries)
    values = "\n".join(sorted({line for one in entries for line in map(bash_value, one.options) if line}))
    pairs = "\n".join(f"        {first}) words='{' '.join(seconds)}' ;;" for first, seconds in subverbs(entries).items())
    sources = "\n".join(f'        {kind}) _postroom_fit "$(postroom {verb} 2>/dev/null)" ;;' for kind, verb in SOURCES.items())
    return BASH.format(
        sources=sources, verbs=verbs, values=values, pairs=pairs, first=" ".join(first_words(entries)), paired="|".join(subverbs(entries))
    )


def bash_verb(one: Entry) -> str:
    """What a verb offers: its options, and its first word."""
    options = " ".join(each.spelling for each in one.options)
    return f"        '{one.verb.name}') options='{options}'; first='{bash_words(one.first)}' ;;"


def bash_words(word: Option | None) -> str:
    """How the function `_postroom_offer` calls what may be typed for a word."""
    if word is None:
        return "none"
    return f"words {' '.join(word.choices)}" if word.choices else word.values


def bash_value(each: Option) -> str:
    """What may be typed after an option."""
    return f"        {each.spelling}) offer='{bash_words(each)}' ;;" if each.takes_value else ""


BASH = """# postroom: completion for bash
_postroom_fit() {{
    local found word
    if [[ $cur == "'"* || $cur == '"'* ]]; then COMPREPLY=($(compgen -W "$1" -- "${{cur:1}}")); return; fi
    if [[ $cur == @ ]]; then cur=''; prev=@; fi
    if [[ $prev == @ ]]; then found=$(compgen -W "$1" -- "@$cur"); COMPREPLY=(${{found//@/}}); return; fi
    for word in $(compgen -W "$1" -- "$cur"); do
        if [[ $word == '#'* ]]; then COMPREPLY+=("'$word'"); else COMPREPLY+=("$word"); fi
    done
}}
_postroom_offer() {{
    case $1 in
{sources}
        paths) COMPREPLY=($(compgen -f -- "$cur")) ;;
        words) COMPREPLY=($(compgen -W "${{*:2}}" -- "$cur")) ;;
    esac
}}
_postroom() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} offer='' options='' first='' words='' verb='' at=0 place
    COMPREPLY=()
    for ((place = 1; place < COMP_CWORD; place++)); do
        case ${{COMP_WORDS[place]}} in
            --as|--home|--url) ((place++)) ;;
            -*) ;;
            *) if [[ -z $verb ]]; then verb=${{COMP_WORDS[place]}} at=$place
               elif [[ $verb =~ ^({paired})$ ]]; then verb="$verb ${{COMP_WORDS[place]}}" at=$place; fi ;;
        esac
    done
    case $prev in
{values}
    esac
    if [[ -n $offer && $prev != "$cur" ]]; then _postroom_offer $offer; return; fi
    case $verb in
        '') words='{first}' ;;
{pairs}
{verbs}
    esac
    if [[ -n $words && $cur != -* ]]; then _postroom_offer words $words
    elif [[ $cur == -* ]]; then _postroom_offer words ${{options:---as --home --url --json --help --version}}
    elif ((COMP_CWORD == at + 1)) || [[ $prev == @ && $first == addresses ]]; then _postroom_offer $first
    fi
}}
complete -F _postroom postroom
"""

# zsh


def zsh(entries: list[Entry]) -> str:
    """The script for zsh: put it into a file `_postroom` on $fpath, or `source <(postroom completion zsh)`."""
    cases = "\n".join(
        f"        ('{one.verb.name}') _arguments -s : {' '.join(map(zsh_option, one.options))} {zsh_first(one.first)} '*:word:' ;;"
        for one in entries
    )
    pairs = "\n".join(f"        ('{first}') _values verb {' '.join(seconds)}; return ;;" for first, seconds in subverbs(entries).items())
    described = " ".join(f"'{zsh_text(first)}'" for first in first_words(entries))
    sources = "\n".join(ZSH_SOURCE.format(kind=kind, verb=verb) for kind, verb in SOURCES.items())
    return ZSH.format(sources=sources, cases=cases, pairs=pairs, first=described, paired="|".join(subverbs(entries)))


def zsh_text(text: str) -> str:
    """A text inside of the quotes and brackets of a specification."""
    for special in "\\[]:":
        text = text.replace(special, f"\\{special}")
    return text


def zsh_option(each: Option) -> str:
    """The specification of an option."""
    value = f":value:{zsh_action(each)}" if each.takes_value else ""
    return f"'{each.spelling}[{zsh_text(each.help)}]{value}'"


def zsh_first(word: Option | None) -> str:
    """The specification of the first word."""
    return "" if word is None else f"'1:{word.spelling}:{zsh_action(word)}'"


def zsh_action(each: Option) -> str:
    """What may be typed for a value."""
    if each.choices:
        return f"({' '.join(each.choices)})"
    return f"_postroom_{each.values}" if each.values in SOURCES else "_files" if each.values == "paths" else ""


ZSH_SOURCE = """_postroom_{kind}() {{
    local -a found
    found=(${{(f)"$(postroom {verb} 2>/dev/null)"}})
    compadd -a found
}}"""
ZSH = """#compdef postroom
# postroom: completion for zsh
{sources}
_postroom() {{
    local verb='' place
    local -i skip=0
    for ((place = 2; place < CURRENT; place++)); do
        case $words[place] in
            (--as|--home|--url) ((place++)) ;;
            (-*) ;;
            (*) verb=$words[place]; skip=$place; break ;;
        esac
    done
    if [[ -z $verb ]]; then
        _values verb {first}
        return
    fi
    if [[ $verb == ({paired}) ]] && ((CURRENT > skip + 1)); then
        ((skip++))
        verb="$verb $words[skip]"
    fi
    words=("$verb" "${{(@)words[skip+1,-1]}}")
    ((CURRENT -= skip - 1))
    case $verb in
{pairs}
{cases}
    esac
}}
if [[ $funcstack[1] == _postroom ]]; then _postroom "$@"; else compdef _postroom postroom; fi
"""

# fish


def fish(entries: list[Entry]) -> str:
    """The script for fish: `postroom completion fish | source`."""
    lines = ["# postroom: completion for fish", "complete -c postroom -f"]
    known = " ".join(first_words(entries))
    helps = {one.verb.name: one.verb.help for one in entries}
    unseen = f"not __fish_seen_subcommand_from {known}"
    lines += [f"complete -c {PROGRAM} -n '{unseen}' -a {word} -d '{fish_text(helps.get(word, ''))}'" for word in first_words(entries)]
    for one in entries:
        lines += fish_verb(one, subverbs(entries))
    return "\n".join(lines) + "\n"


def fish_verb(one: Entry, pairs: dict[str, list[str]]) -> list[str]:
    """The lines of a verb: itself after its first word, its options, its first argument."""
    first, _, second = one.verb.name.partition(" ")
    seen = f"__fish_seen_subcommand_from {first}"
    lines = []
    if second:
        lines.append(f"complete -c {PROGRAM} -n '{seen}; and not __fish_seen_subcommand_from {' '.join(pairs[first])}' -a {second}")
        seen = f"{seen}; and __fish_seen_subcommand_from {second}"
    for each in one.options:
        value = f" {fish_values(each)}" if each.takes_value else ""
        lines.append(f"complete -c {PROGRAM} -n '{seen}' -l {each.spelling.lstrip('-')}{value} -d '{fish_text(each.help)}'")
    if one.first is not None and one.first.values != "none":
        lines.append(f"complete -c {PROGRAM} -n '{seen}' {fish_values(one.first).removeprefix('-x ').removeprefix('-r ')}")
    return lines


def fish_values(each: Option) -> str:
    """What may be typed for a value."""
    if each.choices:
        return f"-x -a '{' '.join(each.choices)}'"
    if each.values in SOURCES:
        return f"-x -a '(postroom {SOURCES[each.values]} 2>/dev/null)'"
    return "-r -F" if each.values == "paths" else "-x"


def fish_text(text: str) -> str:
    """A text inside of single quotes."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


COMMANDS = {
    "completion": Command(
        arguments,
        run,
        "Print the completion script for a shell: verbs, options, and the names of agents and rooms.",
        'eval "$(postroom completion bash)"',
    )
}
