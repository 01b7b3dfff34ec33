# SPDX-License-Identifier: MIT
#
# In: a command line of wstrace that is not whole. Out: the words that may stand there, for fish.
# What they are, the script for bash says, which is installed beside this one: it is run by a bash
# of its own. fish offers files by itself; without bash, nothing else is offered.

set -g __wstrace_script (status dirname)/../../bash-completion/completions/wstrace

function __wstrace_words
    set -l words (commandline -opc) (commandline -ct)
    bash -c 'source "$0" 2>/dev/null || exit; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _wstrace; printf "%s\n" "${COMPREPLY[@]}"' $__wstrace_script $words 2>/dev/null | string match -v ''
end

complete -c wstrace -a '(__wstrace_words)'
