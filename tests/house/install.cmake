# SPDX-License-Identifier: MIT
# Installs the release build into an empty prefix, then builds a program with what lies there,
# as a stranger would: by pkg-config and by find_package, against the shared library.
file(REMOVE_RECURSE ${PREFIX})
function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE out ERROR_VARIABLE err)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "${ARGN}: ${result}\n${out}${err}")
    endif()
    set(out "${out}" PARENT_SCOPE)
endfunction()

# By name, the component that everything is in: the list of what was installed is then another file than
# that of `cmake --install`, which is root's after sudo.
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX} --component Unspecified)
file(GLOB_RECURSE pc ${PREFIX}/*/wstrace.pc)
file(GLOB_RECURSE headers RELATIVE ${PREFIX} ${PREFIX}/include/*.h ${PREFIX}/include/*.def)
if(NOT pc OR NOT headers OR NOT EXISTS ${PREFIX}/bin/wstrace
   OR NOT EXISTS ${PREFIX}/share/wstrace/captures/README.md
   OR NOT EXISTS ${PREFIX}/share/bash-completion/completions/wstrace
   OR NOT EXISTS ${PREFIX}/share/zsh/site-functions/_wstrace
   OR NOT EXISTS ${PREFIX}/share/fish/vendor_completions.d/wstrace.fish)
    message(FATAL_ERROR "something is not installed: ${pc} ${headers}")
endif()
run(${PREFIX}/bin/wstrace demo frames --write ${PREFIX}/lesson.pcap)
run(${PREFIX}/bin/wstrace explain ${PREFIX}/lesson.pcap 1.1)
file(GLOB_RECURSE labs ${PREFIX}/share/doc/*/labs/*.md)
list(LENGTH labs labs_n)
if(NOT labs_n EQUAL 15)
    message(FATAL_ERROR "not all labs are installed: ${labs}")
endif()
file(GLOB_RECURSE manual ${PREFIX}/*/wstrace.1)
file(STRINGS ${manual} named REGEX "^\\.Pa docs/")
foreach(line ${named})
    string(REGEX REPLACE "^\\.Pa docs/([^ ]+).*" "\\1" name "${line}")
    file(GLOB at ${PREFIX}/share/doc/*/${name})
    if(NOT at)
        message(FATAL_ERROR "the manual names docs/${name}, which is not installed")
    endif()
endforeach()
get_filename_component(pcdir ${pc} DIRECTORY)
get_filename_component(libdir ${pcdir} DIRECTORY)

file(WRITE ${PREFIX}/stranger.c [[
#include <stdio.h>
#include <string.h>
#include <wstrace/wstrace.h>
int main(void)
{
    struct wst_options options;
    struct wst_listener listener = {0};
    wst_options_init(&options);
    struct wst_context *context = wst_context_new(&options, &listener);
    if (!context) return 1;
    wst_context_free(context);
    puts(wst_version());
    return 0;
}
]])
set(ENV{PKG_CONFIG_PATH} ${pcdir})
execute_process(COMMAND pkg-config --cflags --libs wstrace
    OUTPUT_VARIABLE flags RESULT_VARIABLE result OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "pkg-config does not know wstrace")
endif()
separate_arguments(flags)
run(${CC} -std=c11 -Wall -Wextra -Werror -pedantic ${PREFIX}/stranger.c ${flags}
    -Wl,-rpath,${libdir} -o ${PREFIX}/stranger)
run(${PREFIX}/stranger)
string(STRIP "${out}" version)
run(pkg-config --modversion wstrace)
string(STRIP "${out}" pc_version)
if(NOT version STREQUAL pc_version)
    message(FATAL_ERROR "the library says ${version}, wstrace.pc says ${pc_version}")
endif()

file(WRITE ${PREFIX}/guest/CMakeLists.txt [[
cmake_minimum_required(VERSION 3.16)
project(guest C)
find_package(wstrace ${WANTED} REQUIRED)
add_executable(guest ../stranger.c)
target_link_libraries(guest PRIVATE wstrace::wstrace)
]])
run(${CMAKE_COMMAND} -G ${GENERATOR} -S ${PREFIX}/guest -B ${PREFIX}/guest/build
    -DCMAKE_PREFIX_PATH=${PREFIX} -DCMAKE_C_COMPILER=${CC} -DWANTED=${version})
run(${CMAKE_COMMAND} --build ${PREFIX}/guest/build)
run(${PREFIX}/guest/build/guest)
