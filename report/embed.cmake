# embed.cmake - writes the bytes of a file as a C array: cmake -DFROM=page.css -DNAME=page_css -DTO=page_css.c -P embed.cmake
file(READ ${FROM} bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1, " bytes "${bytes}")
get_filename_component(name ${FROM} NAME)
file(WRITE ${TO} "/* Made of ${name}, and ended by a NUL. */\nextern const char ${NAME}[];\nconst char ${NAME}[] = {\n${bytes}0x00};\n")
