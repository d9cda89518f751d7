/*
 * btree_map.c - Rust's BTreeMap: see btree_map.h for what it is faithful to.
 *
 * A node does not store its height: the map has that of the root, and each edge down is one less.
 * Edge i is to the left of entry i, and all keys below it are smaller.
 */
#include "btree_map.h"

#include "zkalloc.h"

#include <string.h>

struct btree_node {
    struct btree_node *parent;
    uint64_t keys[BTREE_CAPACITY];
    struct btree_value values[BTREE_CAPACITY];
    uint16_t parent_index; /* which of the parent's edges leads here */
    uint16_t length;
};

struct btree_internal {
    struct btree_node node;
    struct btree_node *edges[BTREE_CAPACITY + 1];
};

_Static_assert(sizeof(struct btree_node) == BTREE_LEAF_BYTES, "as LeafNode<usize, ThreadInfo>");
_Static_assert(sizeof(struct btree_internal) == BTREE_INTERNAL_BYTES, "as InternalNode");
_Static_assert(sizeof(struct btree_map) == 24, "as BTreeMap");

/* An entry; or, if it is not there, the place in a leaf for it: before the entry of that index. */
struct place {
    struct btree_node *node;
    size_t height;
    size_t index;
};

/* What a full node was split into: itself, an entry to go above it, and a node to the right of
 * that. */
struct split {
    uint64_t key;
    struct btree_value value;
    struct btree_node *right;
};

static struct btree_node **edges_of(struct btree_node *node)
{
    return ((struct btree_internal *)node)->edges;
}

static struct btree_node *create_node(size_t height)
{
    struct btree_node *node =
        zk_malloc(height == 0 ? sizeof(struct btree_node) : sizeof(struct btree_internal));

    if (node != NULL) {
        node->parent = NULL;
        node->length = 0;
    }
    return node;
}

/* Sets the links to the parent of the children from first to last, inclusive. */
static void link_children(struct btree_node *node, size_t first, size_t last)
{
    for (size_t i = first; i <= last; i++) {
        edges_of(node)[i]->parent = node;
        edges_of(node)[i]->parent_index = (uint16_t)i;
    }
}

/* ---- Search ---- */

/* Finds the entry of key: true. If there is none: false, and the place in a leaf for it. */
static bool find(const struct btree_map *map, uint64_t key, struct place *place)
{
    struct btree_node *node = map->root;

    for (size_t height = map->height;; height--) {
        size_t i = 0;

        while (i < node->length && node->keys[i] < key)
            i++;
        *place = (struct place){node, height, i};
        if (i < node->length && node->keys[i] == key)
            return true;
        if (height == 0)
            return false;
        node = edges_of(node)[i];
    }
}

struct btree_value *btree_get(const struct btree_map *map, uint64_t key)
{
    struct place place;

    if (map->root == NULL || !find(map, key, &place))
        return NULL;
    return &place.node->values[place.index];
}

/* ---- Insert ---- */

/* Moves count entries from one place to another, which may overlap. */
static void move_entries(struct btree_node *to, size_t at, const struct btree_node *from,
                         size_t first, size_t count)
{
    memmove(&to->keys[at], &from->keys[first], count * sizeof *to->keys);
    memmove(&to->values[at], &from->values[first], count * sizeof *to->values);
}

static void move_edges(struct btree_node *to, size_t at, struct btree_node *from, size_t first,
                       size_t count)
{
    memmove(&edges_of(to)[at], &edges_of(from)[first], count * sizeof(struct btree_node *));
}

/* The node has room. right: the edge to the right of the entry, in an internal node. */
static void insert_fitting(const struct place *place, uint64_t key, const struct btree_value *value,
                           struct btree_node *right)
{
    struct btree_node *node = place->node;
    size_t i = place->index;

    move_entries(node, i + 1, node, i, node->length - i);
    node->keys[i] = key;
    node->values[i] = *value;
    if (right != NULL) {
        move_edges(node, i + 2, node, i + 1, node->length - i);
        edges_of(node)[i + 1] = right;
    }
    node->length++;
    if (right != NULL)
        link_children(node, i + 1, node->length);
}

/* Splits the full node of the place around its entry middle. */
static bool split_at(const struct place *place, size_t middle, struct split *split)
{
    struct btree_node *left = place->node;
    struct btree_node *right = create_node(place->height);

    if (right == NULL)
        return false;
    right->length = (uint16_t)(left->length - middle - 1);
    *split = (struct split){left->keys[middle], left->values[middle], right};
    move_entries(right, 0, left, middle + 1, right->length);
    left->length = (uint16_t)middle;
    if (place->height > 0) {
        move_edges(right, 0, left, middle + 1, (size_t)right->length + 1);
        link_children(right, 0, right->length);
    }
    return true;
}

/* Inserts at a place; splits a full node so that both halves have enough entries. True on success;
 * if split->right is not NULL, *split is then to be inserted into the level above. */
static bool insert_at(const struct place *place, uint64_t key, const struct btree_value *value,
                      struct btree_node *edge, struct split *split)
{
    enum { center = BTREE_CAPACITY / 2 };
    struct place half = *place;
    size_t middle = place->index < center       ? center - 1
                    : place->index > center + 1 ? center + 1
                                                : center;

    split->right = NULL;
    if (place->node->length == BTREE_CAPACITY) {
        if (!split_at(place, middle, split))
            return false;
        if (place->index > middle) {
            half.node = split->right;
            half.index = place->index - middle - 1;
        }
    }
    insert_fitting(&half, key, value, edge);
    return true;
}

/* Makes a new root, above the old one, which is its only child. */
static struct btree_node *grow_root(struct btree_map *map)
{
    struct btree_node *root = create_node(map->height + 1);

    if (root == NULL)
        return NULL;
    edges_of(root)[0] = map->root;
    map->root = root;
    map->height++;
    link_children(root, 0, 0);
    return root;
}

int btree_insert(struct btree_map *map, uint64_t key, const struct btree_value *value)
{
    struct split split = {.key = key, .value = *value};
    struct place place;

    if (map->root == NULL) {
        map->root = create_node(0);
        if (map->root == NULL)
            return -1;
        map->height = 0;
    }
    if (find(map, key, &place)) {
        place.node->values[place.index] = *value;
        return 0;
    }
    for (;;) {
        struct split above = {0};
        struct btree_node *parent;

        if (!insert_at(&place, split.key, &split.value, split.right, &above))
            return -1;
        if (above.right == NULL)
            break;
        parent = place.node->parent != NULL ? place.node->parent : grow_root(map);
        if (parent == NULL)
            return -1;
        place = (struct place){parent, place.height + 1, place.node->parent_index};
        split = above;
    }
    map->length++;
    return 0;
}

/* ---- Remove ---- */

static void remove_entry(struct btree_node *node, size_t i)
{
    move_entries(node, i, node, i + 1, node->length - i - 1);
    node->length--;
}

/* Makes one node of the children left and right of an entry, and of the entry. height: the
 * children's. */
static void merge_children(struct btree_node *parent, size_t i, size_t height)
{
    struct btree_node *left = edges_of(parent)[i];
    struct btree_node *right = edges_of(parent)[i + 1];
    size_t length = left->length;

    move_entries(left, length, parent, i, 1);
    move_entries(left, length + 1, right, 0, right->length);
    left->length = (uint16_t)(length + 1 + right->length);
    if (height > 0) {
        move_edges(left, length + 1, right, 0, (size_t)right->length + 1);
        link_children(left, length + 1, left->length);
    }
    move_edges(parent, i + 1, parent, i + 2, parent->length - i - 1);
    remove_entry(parent, i);
    link_children(parent, i + 1, parent->length);
    zk_free(right);
}

/* Moves the last entry of the child left of entry i up to the parent, and the parent's entry i down
 * to the child right of it. */
static void take_from_left(struct btree_node *parent, size_t i, size_t height)
{
    struct btree_node *left = edges_of(parent)[i];
    struct btree_node *right = edges_of(parent)[i + 1];

    move_entries(right, 1, right, 0, right->length);
    move_entries(right, 0, parent, i, 1);
    move_entries(parent, i, left, (size_t)left->length - 1, 1);
    right->length++;
    if (height > 0) {
        move_edges(right, 1, right, 0, right->length);
        edges_of(right)[0] = edges_of(left)[left->length];
        link_children(right, 0, right->length);
    }
    left->length--;
}

/* The same from right to left. */
static void take_from_right(struct btree_node *parent, size_t i, size_t height)
{
    struct btree_node *left = edges_of(parent)[i];
    struct btree_node *right = edges_of(parent)[i + 1];

    move_entries(left, left->length, parent, i, 1);
    move_entries(parent, i, right, 0, 1);
    left->length++;
    remove_entry(right, 0);
    if (height > 0) {
        edges_of(left)[left->length] = edges_of(right)[0];
        link_children(left, left->length, left->length);
        move_edges(right, 0, right, 1, (size_t)right->length + 1);
        link_children(right, 0, right->length);
    }
}

/* Refills a node that has become too small, from a neighbour or by a merge. False if the parent has
 * lost an entry for it. */
static bool fix_node(struct btree_node *node, size_t height)
{
    struct btree_node *parent = node->parent;
    bool has_left = node->parent_index > 0;
    size_t i = has_left ? (size_t)node->parent_index - 1 : 0; /* the entry between the two */

    if (edges_of(parent)[i]->length + edges_of(parent)[i + 1]->length < BTREE_CAPACITY) {
        merge_children(parent, i, height);
        return false;
    }
    if (has_left)
        take_from_left(parent, i, height);
    else
        take_from_right(parent, i, height);
    return true;
}

/* Fixes nodes from one that has lost an entry up to the root. */
static void fix_upwards(struct btree_map *map, struct btree_node *node, size_t height)
{
    while (node->length < BTREE_LENGTH_LEAST && node->parent != NULL) {
        struct btree_node *parent = node->parent;

        if (fix_node(node, height))
            return;
        node = parent;
        height++;
    }
    if (map->height > 0 && map->root->length == 0) {
        struct btree_node *root = map->root;

        map->root = edges_of(root)[0];
        map->root->parent = NULL;
        map->height--;
        zk_free(root);
    }
}

bool btree_remove(struct btree_map *map, uint64_t key)
{
    struct place place;

    if (map->root == NULL || !find(map, key, &place))
        return false;
    if (place.height > 0) { /* the entry before it, which is in a leaf, takes its place */
        struct btree_node *leaf = edges_of(place.node)[place.index];

        for (size_t height = place.height - 1; height > 0; height--)
            leaf = edges_of(leaf)[leaf->length];
        move_entries(place.node, place.index, leaf, (size_t)leaf->length - 1, 1);
        place = (struct place){leaf, 0, (size_t)leaf->length - 1};
    }
    remove_entry(place.node, place.index);
    map->length--;
    fix_upwards(map, place.node, 0);
    return true;
}

/* ---- The rest ---- */

static void free_below(struct btree_node *node, size_t height)
{
    for (size_t i = 0; height > 0 && i <= node->length; i++)
        free_below(edges_of(node)[i], height - 1);
    zk_free(node);
}

void btree_deinit(struct btree_map *map)
{
    if (map->root != NULL)
        free_below(map->root, map->height);
    *map = (struct btree_map){0};
}

/* Counts the entries of a subtree, whose keys must rise from above *key; sets *key to the last.
 * SIZE_MAX if the subtree is not sound. */
static size_t count_sound(struct btree_node *node, size_t height, uint64_t *key, bool *first)
{
    size_t count = node->length;

    if (node->length > BTREE_CAPACITY ||
        (node->parent != NULL && node->length < BTREE_LENGTH_LEAST))
        return SIZE_MAX;
    for (size_t i = 0; i <= node->length; i++) {
        if (height > 0) {
            struct btree_node *child = edges_of(node)[i];
            size_t below;

            if (child->parent != node || child->parent_index != i)
                return SIZE_MAX;
            below = count_sound(child, height - 1, key, first);
            if (below == SIZE_MAX)
                return SIZE_MAX;
            count += below;
        }
        if (i < node->length) {
            if (!*first && node->keys[i] <= *key)
                return SIZE_MAX;
            *key = node->keys[i];
            *first = false;
        }
    }
    return count;
}

bool btree_is_sound(const struct btree_map *map)
{
    uint64_t key = 0;
    bool first = true;

    if (map->root == NULL)
        return map->length == 0;
    return map->root->parent == NULL &&
           count_sound(map->root, map->height, &key, &first) == map->length;
}
