/*
 * hook_plugin.h - what hook_of_plugin.c finds by dlsym. The count is the host's, so that it is there when the
 * plug-in is not.
 */
#ifndef HOOK_PLUGIN_H
#define HOOK_PLUGIN_H

__attribute__((visibility("default"))) int plugin_register(unsigned *runs);

#endif
