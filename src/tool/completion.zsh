#compdef wstrace
# SPDX-License-Identifier: MIT
#
# In: a command line of wstrace that is not whole. Out: the words that may stand there, for zsh.
# What they are, the script for bash says, which is installed beside this one: it is run by a bash
# of its own. Without it, or where it is silent, files are offered.

_wstrace_script=${${(%):-%x}:A:h}/../../bash-completion/completions/wstrace

_wstrace()
{
    local -a found
    found=(${(f)"$(bash -c 'source "$0" 2>/dev/null || exit; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _wstrace; printf "%s\n" "${COMPREPLY[@]}"' \
        $_wstrace_script "${(@)words[1,CURRENT]}" 2>/dev/null)"})
    if (( CURRENT == 2 && $#PREFIX )) && [[ $PREFIX != -* ]]; then
        compadd -- ${found:#*[^a-z]*} # commands; files are zsh's affair, which quotes them
        _files
    elif (( $#found )); then
        compadd -- $found
    else
        _files
    fi
}

# Loaded by compinit, its first call is this file; by `source`, it has to say whose it is.
if [[ $funcstack[1] == _wstrace ]]; then _wstrace "$@"; else compdef _wstrace wstrace; fi
