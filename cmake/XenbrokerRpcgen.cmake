# SPDX-License-Identifier: Apache-2.0
# xb_rpcgen(TARGET name XML file [NAME unit] [SERVER] [CLIENT]): generates C++ from an interface file and makes a static
# library of it. Its headers are "idl/UNIT_server.hpp", "idl/UNIT_client.hpp" and "idl/UNIT_types.hpp"; UNIT is the file's
# base name in lower case unless NAME says otherwise. With neither SERVER nor CLIENT there is a client.
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
    set(outputs ${directory}/${ARG_NAME}_types.hpp)
    set(options -o ${directory} -n ${ARG_NAME})
    foreach(side SERVER CLIENT)
        if(ARG_${side})
            string(TOLOWER ${side} side)
            list(APPEND outputs ${directory}/${ARG_NAME}_${side}.hpp ${directory}/${ARG_NAME}_${side}.cpp)
            list(APPEND options --${side})
        endif()
    endforeach()
    add_custom_command(OUTPUT ${outputs}
        COMMAND ${generator} ${options} ${ARG_XML}
        DEPENDS ${generator} ${ARG_XML}
        COMMENT "Generating C++ from ${ARG_XML}"
        VERBATIM)
    xb_library(${ARG_TARGET} PCH SOURCES ${outputs} PUBLIC_DEPS xenbroker_libs)
    target_include_directories(${ARG_TARGET} PUBLIC ${CMAKE_BINARY_DIR}/generated)
endfunction()
