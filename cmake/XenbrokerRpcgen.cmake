# SPDX-License-Identifier: Apache-2.0
# xb_rpcgen(TARGET name XML file [NAME unit] [SERVER] [CLIENT]): generates C++ from an interface file and makes a static
# library of each side: name_server with header "idl/UNIT_server.hpp", name_client with "idl/UNIT_client.hpp", both with
# "idl/UNIT_types.hpp"; UNIT is the file's base name in lower case unless NAME says otherwise. With neither SERVER nor
# CLIENT there is a client.
set(XENBROKER_RPCGEN "" CACHE FILEPATH "An xc-rpcgen that runs on this machine, for cross builds")

function(xb_rpcgen)
    cmake_parse_arguments(ARG "SERVER;CLIENT" "TARGET;XML;NAME" "" ${ARGN})
    if(ARG_UNPARSED_ARGUMENTS OR NOT ARG_TARGET OR NOT ARG_XML)
        message(FATAL_ERROR "xb_rpcgen: TARGET and XML are needed, got ${ARGN}")
    endif()
    if(NOT ARG_NAME)
        cmake_path(GET ARG_XML STEM LAST_ONLY ARG_NAME)
        string(TOLOWER ${ARG_NAME} ARG_NAME)
    endif()
    if(NOT ARG_SERVER)
        set(ARG_CLIENT TRUE)
    endif()
    cmake_path(ABSOLUTE_PATH ARG_XML)
    set(generator xc-rpcgen)
    if(XENBROKER_RPCGEN)
        set(generator ${XENBROKER_RPCGEN})
    endif()

    set(directory ${CMAKE_BINARY_DIR}/generated/idl)
    set(types ${directory}/${ARG_NAME}_types.hpp)
    set(sides "")
    set(options -o ${directory} -n ${ARG_NAME})
    foreach(side server client)
        string(TOUPPER ${side} wanted)
        if(ARG_${wanted})
            list(APPEND sides ${side})
            list(APPEND options --${side})
            set(${side}_files ${directory}/${ARG_NAME}_${side}.hpp ${directory}/${ARG_NAME}_${side}.cpp)
        endif()
    endforeach()
    add_custom_command(OUTPUT ${types} ${server_files} ${client_files}
        COMMAND ${generator} ${options} ${ARG_XML}
        DEPENDS ${generator} ${ARG_XML}
        COMMENT "Generating C++ from ${ARG_XML}"
        VERBATIM)
    if(NOT TARGET xenbroker_generated) # all generated files, without compiling them: for clang-tidy
        add_custom_target(xenbroker_generated)
    endif()
    add_custom_target(${ARG_TARGET}_files DEPENDS ${types} ${server_files} ${client_files})
    add_dependencies(xenbroker_generated ${ARG_TARGET}_files)
    foreach(side ${sides})
        xb_library(${ARG_TARGET}_${side} PCH SOURCES ${types} ${${side}_files} PUBLIC_DEPS xenbroker_libs)
        target_include_directories(${ARG_TARGET}_${side} PUBLIC ${CMAKE_BINARY_DIR}/generated)
    endforeach()
endfunction()
