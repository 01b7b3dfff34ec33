# SPDX-License-Identifier: MIT
#
# In: page.html, *.css and *.js. Out: page.c, the page as two byte arrays: before the data, and behind.
# Refuses assets in which a script or style would end early.
#
#   cmake -DFOLDER=src/report -DOUTPUT=page.c "-DCSS=a.css;b.css" "-DJS=a.js;b.js" -DVERSION=1 -P embed.cmake
#
# The Content-Security-Policy allows one style and one script, by the SHA-256 of their text. CMake
# prints digests as hex, the policy wants base64: three hex digits are two letters.

cmake_minimum_required(VERSION 3.22)

function(wst_base64_of_sha256 text result)
    string(SHA256 digest "${text}")
    set(letters ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)
    set(base64 "")
    string(APPEND digest "00") # 256 bits are 42 letters and four bits; two zero bits fill up the last
    foreach(i RANGE 0 63 3)
        string(SUBSTRING ${digest} ${i} 3 three)
        math(EXPR high "0x${three} >> 6")
        math(EXPR low "0x${three} & 63")
        string(SUBSTRING ${letters} ${high} 1 a)
        string(SUBSTRING ${letters} ${low} 1 b)
        string(APPEND base64 ${a}${b})
    endforeach()
    string(SUBSTRING ${base64} 0 43 base64)
    set(${result} "${base64}=" PARENT_SCOPE)
endfunction()

function(wst_read result)
    set(all "")
    foreach(name IN LISTS ARGN)
        file(READ ${FOLDER}/${name} text)
        if(text MATCHES "</[a-z]+" AND NOT name MATCHES "html$" OR text MATCHES "<!--")
            message(FATAL_ERROR "${name}: '</' or '<!--' would end the page's script or style")
        endif()
        string(APPEND all "${text}")
    endforeach()
    set(${result} "${all}" PARENT_SCOPE)
endfunction()

function(wst_array name text result)
    string(HEX "${text}" hex)
    string(LENGTH "${hex}" digits)
    math(EXPR bytes "${digits} / 2")
    string(REGEX REPLACE "(..)" "0x\\1," hex "${hex}")
    set(${result} "const uint8_t ${name}[] = {${hex}};\nconst size_t ${name}_n = ${bytes};\n"
        PARENT_SCOPE)
endfunction()

wst_read(css ${CSS})
wst_read(js ${JS})
wst_read(page page.html)
wst_base64_of_sha256("${css}" css_hash)
wst_base64_of_sha256("${js}" js_hash)
string(REPLACE "@CSS_HASH@" "${css_hash}" page "${page}")
string(REPLACE "@JS_HASH@" "${js_hash}" page "${page}")
string(REPLACE "@VERSION@" "${VERSION}" page "${page}")
string(REPLACE "@CSS@" "${css}" page "${page}")
string(REPLACE "@JS@" "${js}" page "${page}")
string(FIND "${page}" "@DATA@" at)
if(at EQUAL -1)
    message(FATAL_ERROR "page.html has no @DATA@")
endif()
string(SUBSTRING "${page}" 0 ${at} head)
math(EXPR at "${at} + 6")
string(SUBSTRING "${page}" ${at} -1 tail)
wst_array(wst_report_head "${head}" head)
wst_array(wst_report_tail "${tail}" tail)
file(WRITE ${OUTPUT} "/* Made by embed.cmake. */\n#include \"page.h\"\n\n${head}${tail}")
