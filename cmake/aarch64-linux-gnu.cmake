# Cross-compiling for aarch64 on Debian (scripts/bootstrap.sh --cross installs what is needed);
# programs run under qemu's user emulation. ZKALLOC_QEMU_PAGE: the page size there, in bytes
# (default 4096; real machines also have 16384 and 65536).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
# Else pkg-config finds the libraries of the machine that builds.
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig)
set(ZKALLOC_QEMU_PAGE 4096 CACHE STRING "Bytes of a page in the emulation")
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -p ${ZKALLOC_QEMU_PAGE})
