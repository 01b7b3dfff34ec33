# SPDX-License-Identifier: MIT
#
# In: a command line of wstrace that is not whole. Out: the words that may stand there, for bash.
# What commands, options, findings and lessons there are, the tool itself says: nothing stands here
# that could fall behind it. Refuses to guess: where the tool is silent, files are offered.

# The options that a help text names: "  -r, --read FILE", "-t … -tttt".
_wstrace_options()
{
    "$1" "${@:2}" --help 2>/dev/null | grep -oE '(^| |\[)--?[A-Za-z][a-z-]*' | tr -d ' [' | sort -u
}

_wstrace()
{
    local tool=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local commands command='' words=''
    COMPREPLY=()
    commands=$("$tool" --help 2>/dev/null | sed -n 's/^.\{6\} wstrace \[\{0,1\}\([a-z]\{1,\}\).*/\1/p' | sort -u)
    if ((COMP_CWORD > 1)) && grep -qxF -- "${COMP_WORDS[1]}" <<<"$commands"; then
        command=${COMP_WORDS[1]}
    fi
    case $before in
    --color) words='auto always never' ;;
    --dir) words='c2s s2c' ;;
    # bash expands words once more, and whoever may name an interface may call it $(reboot).
    -i | --interface) words=$("$tool" -D 2>/dev/null | sed -n 's/^[0-9]*\.\([A-Za-z0-9_.:@-]\{1,\}\)\( .*\)\{0,1\}$/\1/p') ;;
    -f | -F | -r | --read | -w | -o | --output | --keylog | --rsa-key | --grep) ;;
    *)
        case $command,$word in
        *,-*) words=$(_wstrace_options "$tool" ${command:+"$command"}) ;;
        problems,*) words=$("$tool" problems 2>/dev/null | sed -n 's/^[a-z]\{1,\}  *\([a-z0-9.-]\{1,\}\) .*/\1/p') ;;
        demo,*) words=$("$tool" demo 2>/dev/null | sed -n 's/^  \([a-z0-9-]\{1,\}\)  .*/\1/p') ;;
        esac
        ((COMP_CWORD == 1)) && [[ $word != -* ]] && words=$commands
        ;;
    esac
    [[ $words ]] || return 0
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    # Without a command it is a capture that is traced.
    if [[ $words == "$commands" && $word ]]; then
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
        compopt -o filenames 2>/dev/null
    fi
    return 0
}

complete -o default -F _wstrace wstrace
