# Compiler settings, and the two functions every CMakeLists.txt of this project uses.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

if(TALENT_SANITIZE)
  add_compile_options(-fsanitize=${TALENT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TALENT_SANITIZE})
  if(TALENT_SANITIZE MATCHES thread)
    # ThreadSanitizer does not see fences, and gcc refuses to compile them with it.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()

# Full debug information doubles build time; line tables are enough for a backtrace.
set(CMAKE_CXX_FLAGS_DEBUG "-g1 -O0")
set(CMAKE_CXX_FLAGS_RELEASE "-g1 -O2")

add_library(talent_warnings INTERFACE)
target_compile_options(talent_warnings INTERFACE -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor)
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # Warns of what a header must not do, and takes a .cpp that a unity source includes for one.
  target_compile_options(talent_warnings INTERFACE -Wno-subobject-linkage)
endif()

# talent_library(NAME [EXCLUDE <files>…] DEPS <targets>…): a layer made of every .cpp in its folder.
# Its headers are included by their path from src/, as "base/result.h".
function(talent_library name)
  cmake_parse_arguments(ARG "" "" "EXCLUDE;DEPS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  list(REMOVE_ITEM sources "" ${ARG_EXCLUDE})
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE talent_warnings)
endfunction()

# talent_test(NAME DEPS <targets>…): a GoogleTest program made of every .cpp in its folder.
# Each test is a ctest of its own, labelled with the kind of test it is (unit, sim, integration); the
# target <label>_tests builds all of a kind.
function(talent_test name label)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
  add_executable(${name} ${sources})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE TALENT_VECTORS="${CMAKE_SOURCE_DIR}/tests/vectors"
    TALENT_DATA="${CMAKE_SOURCE_DIR}/data")
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} talent_warnings GTest::gtest GTest::gmock GTest::gtest_main)
  if(NOT TARGET ${label}_tests)
    add_custom_target(${label}_tests)
  endif()
  add_dependencies(${label}_tests ${name})
  # Whole networks of processes have the machine to themselves: their windows are of seconds.
  set(serial FALSE)
  if(label STREQUAL "integration")
    set(serial TRUE)
  endif()
  gtest_discover_tests(${name} PROPERTIES LABELS ${label} TIMEOUT 300 RUN_SERIAL ${serial}
    DISCOVERY_TIMEOUT 60)
endfunction()
