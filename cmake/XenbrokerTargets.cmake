# How every target of the project is built: warnings, sanitizers, the precompiled header, and where things are
# installed. Components use the functions below and nothing else.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # What ccache needs to be told to cache users of a precompiled header (ccache(1), "Precompiled headers"), and to know
    # a file again in another copy of the tree.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
        CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(pugixml REQUIRED)
pkg_check_modules(SDBUSCPP REQUIRED IMPORTED_TARGET sdbus-c++)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)

# Daemons and their helpers; tools that people call are in bin.
set(XENBROKER_LIBEXECDIR ${CMAKE_INSTALL_LIBEXECDIR}/xenbroker)
set(XENBROKER_DATADIR ${CMAKE_INSTALL_DATADIR}/xenbroker)

add_library(xenbroker_options INTERFACE)
target_include_directories(xenbroker_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(xenbroker_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-align -Woverloaded-virtual
    -Wunused -Wconversion -Wsign-conversion -Wdouble-promotion -Wformat=2
    # GCC 12 takes the frame allocator of Asio's coroutines for a mismatch once it inlines one half of the pair.
    # Its -Wstringop-overread and -Wrestrict report impossible lengths in the standard library's inlined strings at -O2.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete> $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overread>
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
    $<$<BOOL:${XENBROKER_WERROR}>:-Werror>)
if(XENBROKER_SANITIZE)
    # GCC reports uninitialised reads inside the instrumented standard library.
    target_compile_options(xenbroker_options INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer
        -fno-sanitize-recover=undefined -Wno-maybe-uninitialized)
    target_link_options(xenbroker_options INTERFACE -fsanitize=address,undefined)
endif()
if(XENBROKER_FUZZERS)
    # What clang 14 puts before functions for the check "function" cannot be before parts of coroutines.
    target_compile_options(xenbroker_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=function
        -fsanitize-ignorelist=${PROJECT_SOURCE_DIR}/tests/fuzz/ignorelist
        -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
    target_link_options(xenbroker_options INTERFACE -fsanitize=address,undefined)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    target_compile_options(xenbroker_options INTERFACE -Wno-ambiguous-reversed-operator) # of RapidJSON's iterators
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(xenbroker_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()
target_compile_definitions(xenbroker_options INTERFACE
    SPDLOG_FMT_EXTERNAL BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION XENBROKER_VERSION="${PROJECT_VERSION}")

# xb_library(NAME SOURCES... [DEPS ...] [PUBLIC_DEPS ...] [PCH]): a component's static library. Headers are included
# from the top of the tree ("xen/hypervisor.hpp"). PCH: compile with the precompiled header of toolstack/libs (the
# target must link xenbroker_libs).
function(xb_library name)
    cmake_parse_arguments(ARG "PCH" "" "SOURCES;DEPS;PUBLIC_DEPS" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC xenbroker_options ${ARG_PUBLIC_DEPS} PRIVATE ${ARG_DEPS})
    if(ARG_PCH)
        target_precompile_headers(${name} REUSE_FROM xenbroker_libs)
    endif()
endfunction()

# xb_program(NAME SOURCES... DEPS ... [DESTINATION dir] [PCH]): a short main on top of a library.
function(xb_program name)
    cmake_parse_arguments(ARG "PCH" "DESTINATION" "SOURCES;DEPS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    if(ARG_PCH)
        target_precompile_headers(${name} REUSE_FROM xenbroker_libs)
    endif()
    target_link_libraries(${name} PRIVATE xenbroker_options ${ARG_DEPS})
    if(ARG_DESTINATION)
        install(TARGETS ${name} RUNTIME DESTINATION ${ARG_DESTINATION})
    endif()
endfunction()
