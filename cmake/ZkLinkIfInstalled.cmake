# If the library is installed, links target with it and defines HAVE_NAME as 1; else prints the
# warning, if one is given.
function(zk_link_if_installed target name header library)
  find_path(${name}_INCLUDE ${header})
  find_library(${name}_LIBRARY ${library})
  if(${name}_INCLUDE AND ${name}_LIBRARY)
    target_compile_definitions(${target} PRIVATE HAVE_${name}=1)
    target_include_directories(${target} SYSTEM PRIVATE ${${name}_INCLUDE})
    target_link_libraries(${target} PRIVATE ${${name}_LIBRARY})
  elseif(ARGN)
    message(WARNING ${ARGN})
  endif()
endfunction()
