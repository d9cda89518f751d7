/*
 * hook_plugin.h - what hook_of_plugin.c finds by dlsym. The count belongs to the host, so that it outlives
 * the plug-in.
 */
#ifndef HOOK_PLUGIN_H
#define HOOK_PLUGIN_H

__attribute__((visibility("default"))) int plugin_register(unsigned *runs);

#endif
