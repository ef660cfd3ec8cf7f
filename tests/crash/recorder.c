/* Records what processes write to files below one folder: an LD_PRELOAD library.
 *
 * RECORDER_FOLDER names the folder (absolute, resolved), RECORDER_LOG the log, outside of it, and
 * RECORDER_LOCK a file that all recorded processes share. Each call that changes a file or makes it
 * durable becomes one record, in the order in which the calls took effect: the call and its record are
 * one step under a lock that all processes share. What is recorded is read by recording.py; what a disk
 * may hold after a power cut is worked out by disk.py. Reads are not recorded, nor are modes and times.
 *
 * A record is a header (struct record), two names and data. Numbers are those of this machine.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum call {
    CREATE = 1, /* a new file: inode, name */
    WRITE = 2,  /* inode, offset, data */
    TRUNCATE = 3, /* inode, offset: the new size */
    PUNCH = 4,  /* inode, offset, length: zeros from now on; the size stays */
    EXTEND = 5, /* inode, offset, length: zeros where nothing was; the size grows */
    SYNC = 6,   /* inode of a file or a folder: all that was written is durable */
    SYNC_ALL = 7,
    RENAME = 8, /* inode, name, second name */
    LINK = 9,   /* inode, name, second name: the new one */
    UNLINK = 10, /* inode, name */
    MAKE_FOLDER = 11,
    REMOVE_FOLDER = 12,
    UNSUPPORTED = 13, /* a call whose effect is not modelled; its name: the reader must refuse */
};

struct record {
    uint32_t magic; /* RECORD_MAGIC */
    uint32_t call;
    uint64_t time_ns; /* CLOCK_MONOTONIC, before the call */
    uint64_t inode;
    uint64_t offset;
    uint64_t length;
    uint32_t pid;
    uint32_t data_bytes;
    uint32_t name_bytes;
    uint32_t second_bytes;
};

#define RECORD_MAGIC 0x50574354u
#define HANDLES_MAX 65536
#define REAL(name) ((__typeof__(&name))real(#name))

enum { UNKNOWN = 0, WATCHED = 1, OTHER = 2 };

static char folder[PATH_MAX];
static size_t folder_bytes;
static int log_handle = -1;
static pthread_mutex_t *lock; /* shared by all recorded processes, robust: they are killed */
static unsigned char handles[HANDLES_MAX];

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

static int raw_open(const char *path, int flags, int mode) {
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}

/* The first process makes the lock: the file is made under another name, then linked. */
static pthread_mutex_t *map_lock(const char *path) {
    int handle = raw_open(path, O_RDWR, 0);
    if (handle < 0) {
        char own[PATH_MAX];
        snprintf(own, sizeof own, "%s.%d", path, getpid());
        handle = raw_open(own, O_RDWR | O_CREAT | O_TRUNC, 0600);
        if (handle < 0 || syscall(SYS_ftruncate, handle, sizeof(pthread_mutex_t))) abort();
        pthread_mutex_t *made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
        if (made == MAP_FAILED) abort();
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
        pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
        pthread_mutex_init(made, &attributes);
        syscall(SYS_linkat, AT_FDCWD, own, AT_FDCWD, path, 0);
        syscall(SYS_unlinkat, AT_FDCWD, own, 0);
        munmap(made, sizeof *made);
        syscall(SYS_close, handle);
        handle = raw_open(path, O_RDWR, 0);
    }
    pthread_mutex_t *found = mmap(NULL, sizeof *found, PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
    if (found == MAP_FAILED) abort();
    syscall(SYS_close, handle);
    return found;
}

__attribute__((constructor)) static void begin(void) {
    const char *wanted = getenv("RECORDER_FOLDER"), *log = getenv("RECORDER_LOG");
    const char *shared = getenv("RECORDER_LOCK");
    if (!wanted || !log || !shared) return;
    if (strlen(wanted) >= sizeof folder) abort();
    strcpy(folder, wanted);
    folder_bytes = strlen(folder);
    int handle = raw_open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    /* High, where nobody looks for a free number. */
    log_handle = (int)syscall(SYS_fcntl, handle, F_DUPFD_CLOEXEC, 900);
    syscall(SYS_close, handle);
    if (log_handle < 0) abort();
    lock = map_lock(shared);
}

static void take(void) {
    if (pthread_mutex_lock(lock) == EOWNERDEAD) pthread_mutex_consistent(lock);
}

static void leave(void) {
    int before = errno;
    pthread_mutex_unlock(lock);
    errno = before;
}

static uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int is_below(const char *path) {
    return !strncmp(path, folder, folder_bytes) && (path[folder_bytes] == '/' || !path[folder_bytes]);
}

/* Write the absolute path of a name that need not exist; its folder must. 0 when there is none. */
static int absolute(int at, const char *path, char *found) {
    char joined[PATH_MAX], parent[PATH_MAX], resolved[PATH_MAX];
    if (path[0] == '/' || at == AT_FDCWD) {
        if (snprintf(joined, sizeof joined, "%s", path) >= (int)sizeof joined) return 0;
    } else {
        char link[64], base[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        ssize_t size = readlink(link, base, sizeof base - 1);
        if (size < 0) return 0;
        base[size] = 0;
        if (snprintf(joined, sizeof joined, "%s/%s", base, path) >= (int)sizeof joined) return 0;
    }
    size_t size = strlen(joined);
    while (size > 1 && joined[size - 1] == '/') joined[--size] = 0;
    char *slash = strrchr(joined, '/');
    const char *name = slash ? slash + 1 : joined;
    if (!slash) strcpy(parent, ".");
    else if (slash == joined) strcpy(parent, "/");
    else snprintf(parent, sizeof parent, "%.*s", (int)(slash - joined), joined);
    if (!realpath(parent, resolved)) return 0;
    return snprintf(found, PATH_MAX, "%s/%s", strcmp(resolved, "/") ? resolved : "", name) < PATH_MAX;
}

static int watches(int at, const char *path, char *found) {
    if (log_handle < 0 || !path) return 0;
    int before = errno;
    int is_watched = absolute(at, path, found) && is_below(found);
    errno = before;
    return is_watched;
}

static int classify(int handle) {
    char link[64], path[PATH_MAX];
    struct stat status;
    if (syscall(SYS_fstat, handle, &status) || !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))
        return OTHER;
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return OTHER;
    path[size] = 0;
    return is_below(path) ? WATCHED : OTHER;
}

static int is_watched(int handle) {
    if (log_handle < 0 || handle < 0 || handle >= HANDLES_MAX) return 0;
    int before = errno;
    if (handles[handle] == UNKNOWN) handles[handle] = (unsigned char)classify(handle);
    errno = before;
    return handles[handle] == WATCHED;
}

static void note_handle(int handle, int kind) {
    if (handle >= 0 && handle < HANDLES_MAX) handles[handle] = (unsigned char)kind;
}

static uint64_t inode_of(int handle) {
    struct stat status;
    return syscall(SYS_fstat, handle, &status) ? 0 : status.st_ino;
}

static uint64_t inode_at(const char *path) {
    struct stat status;
    return syscall(SYS_newfstatat, AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) ? 0 : status.st_ino;
}

static void put(struct record record, const char *name, const char *second, const void *data) {
    int before = errno;
    record.magic = RECORD_MAGIC;
    record.pid = (uint32_t)getpid();
    record.name_bytes = name ? (uint32_t)strlen(name) : 0;
    record.second_bytes = second ? (uint32_t)strlen(second) : 0;
    struct iovec parts[] = {
        {&record, sizeof record},
        {(void *)name, record.name_bytes},
        {(void *)second, record.second_bytes},
        {(void *)data, record.data_bytes},
    };
    ssize_t wanted = (ssize_t)(sizeof record + record.name_bytes + record.second_bytes + record.data_bytes);
    /* A recording with a hole would prove nothing. */
    if (syscall(SYS_writev, log_handle, parts, 4) != wanted) abort();
    errno = before;
}

static void put_write(uint64_t time_ns, int handle, const char *data, uint64_t offset, ssize_t size) {
    if (size <= 0) return;
    struct record record = {.call = WRITE, .time_ns = time_ns, .inode = inode_of(handle),
        .offset = offset, .length = (uint64_t)size, .data_bytes = (uint32_t)size};
    put(record, NULL, NULL, data);
}

static void put_unsupported(const char *name) {
    put((struct record){.call = UNSUPPORTED, .time_ns = now_ns()}, name, NULL, NULL);
}

static uint64_t position(int handle) {
    return (uint64_t)syscall(SYS_lseek, handle, 0, SEEK_CUR);
}

/* Record what was copied into a file inside the kernel: read it back. */
static void put_copied(uint64_t time_ns, int handle, uint64_t offset, ssize_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    int reading = raw_open(link, O_RDONLY, 0);
    char *data = malloc((size_t)size);
    if (reading < 0 || !data) abort();
    ssize_t done = 0;
    while (done < size) {
        ssize_t found = syscall(SYS_pread64, reading, data + done, (size_t)(size - done), offset + (uint64_t)done);
        if (found <= 0) abort();
        done += found;
    }
    syscall(SYS_close, reading);
    put_write(time_ns, handle, data, offset, size);
    free(data);
}

/* ---- opening and closing ---- */

static int opened(int at, const char *path, int flags, mode_t mode, int (*call)(int, const char *, int, mode_t)) {
    char name[PATH_MAX];
    if (!watches(at, path, name)) {
        int handle = call(at, path, flags, mode);
        if (log_handle >= 0) note_handle(handle, UNKNOWN);
        return handle;
    }
    if (flags & O_APPEND && flags & O_DIRECT) put_unsupported("O_APPEND with O_DIRECT");
    take();
    uint64_t time_ns = now_ns(), before = inode_at(name);
    struct stat status;
    int had_bytes = !syscall(SYS_newfstatat, AT_FDCWD, name, &status, 0) && status.st_size > 0;
    int handle = call(at, path, flags, mode);
    if (handle >= 0) {
        note_handle(handle, WATCHED);
        uint64_t inode = inode_of(handle);
        if (!before && flags & O_CREAT)
            put((struct record){.call = CREATE, .time_ns = time_ns, .inode = inode}, name, NULL, NULL);
        else if (flags & O_TRUNC && had_bytes)
            put((struct record){.call = TRUNCATE, .time_ns = time_ns, .inode = inode}, NULL, NULL, NULL);
        if (flags & (O_SYNC | O_DSYNC)) put_unsupported("O_SYNC");
        if ((flags & O_TMPFILE) == O_TMPFILE) put_unsupported("O_TMPFILE");
    }
    leave();
    return handle;
}

static int raw_openat(int at, const char *path, int flags, mode_t mode) {
    return (int)syscall(SYS_openat, at, path, flags, mode);
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode, raw_openat); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode, raw_openat); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode, raw_openat); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode, raw_openat); }
int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, raw_openat); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }
int __open_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0, raw_openat); }
int __open64_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0, raw_openat); }

FILE *fopen(const char *path, const char *mode) {
    char name[PATH_MAX];
    if (strpbrk(mode, "wa+") && watches(AT_FDCWD, path, name)) put_unsupported("fopen for writing");
    return REAL(fopen)(path, mode);
}
FILE *fopen64(const char *path, const char *mode) {
    char name[PATH_MAX];
    if (strpbrk(mode, "wa+") && watches(AT_FDCWD, path, name)) put_unsupported("fopen for writing");
    return REAL(fopen64)(path, mode);
}

int close(int handle) {
    note_handle(handle, UNKNOWN);
    return (int)syscall(SYS_close, handle);
}

int dup2(int from, int to) {
    note_handle(to, UNKNOWN);
    return REAL(dup2)(from, to);
}

int dup3(int from, int to, int flags) {
    note_handle(to, UNKNOWN);
    return REAL(dup3)(from, to, flags);
}

/* ---- writing ---- */

ssize_t write(int handle, const void *data, size_t size) {
    if (!is_watched(handle)) return syscall(SYS_write, handle, data, size);
    take();
    uint64_t time_ns = now_ns();
    ssize_t done = syscall(SYS_write, handle, data, size);
    if (done > 0) put_write(time_ns, handle, data, position(handle) - (uint64_t)done, done);
    leave();
    return done;
}

ssize_t pwrite64(int handle, const void *data, size_t size, off64_t offset) {
    if (!is_watched(handle)) return syscall(SYS_pwrite64, handle, data, size, offset);
    take();
    uint64_t time_ns = now_ns();
    ssize_t done = syscall(SYS_pwrite64, handle, data, size, offset);
    put_write(time_ns, handle, data, (uint64_t)offset, done);
    leave();
    return done;
}
ssize_t pwrite(int handle, const void *data, size_t size, off_t offset) { return pwrite64(handle, data, size, offset); }

static ssize_t written_parts(int handle, const struct iovec *parts, int count, off64_t offset) {
    take();
    uint64_t time_ns = now_ns();
    ssize_t done = offset < 0 ? syscall(SYS_writev, handle, parts, count)
                              : syscall(SYS_pwritev, handle, parts, count, offset, 0);
    uint64_t at = offset < 0 && done > 0 ? position(handle) - (uint64_t)done : (uint64_t)offset;
    ssize_t left = done;
    for (int i = 0; i < count && left > 0; i++) {
        ssize_t size = (ssize_t)parts[i].iov_len < left ? (ssize_t)parts[i].iov_len : left;
        put_write(time_ns, handle, parts[i].iov_base, at, size);
        at += (uint64_t)size;
        left -= size;
    }
    leave();
    return done;
}

ssize_t writev(int handle, const struct iovec *parts, int count) {
    if (!is_watched(handle)) return syscall(SYS_writev, handle, parts, count);
    return written_parts(handle, parts, count, -1);
}
ssize_t pwritev64(int handle, const struct iovec *parts, int count, off64_t offset) {
    if (!is_watched(handle)) return syscall(SYS_pwritev, handle, parts, count, offset, 0);
    return written_parts(handle, parts, count, offset);
}
ssize_t pwritev(int handle, const struct iovec *parts, int count, off_t offset) {
    return pwritev64(handle, parts, count, offset);
}
ssize_t pwritev64v2(int handle, const struct iovec *parts, int count, off64_t offset, int flags) {
    if (!is_watched(handle)) return REAL(pwritev64v2)(handle, parts, count, offset, flags);
    if (flags) put_unsupported("pwritev2 with flags");
    return written_parts(handle, parts, count, offset);
}
ssize_t pwritev2(int handle, const struct iovec *parts, int count, off_t offset, int flags) {
    return pwritev64v2(handle, parts, count, offset, flags);
}

ssize_t sendfile64(int to, int from, off64_t *offset, size_t size) {
    if (!is_watched(to)) return syscall(SYS_sendfile, to, from, offset, size);
    take();
    uint64_t time_ns = now_ns();
    ssize_t done = syscall(SYS_sendfile, to, from, offset, size);
    if (done > 0) put_copied(time_ns, to, position(to) - (uint64_t)done, done);
    leave();
    return done;
}
ssize_t sendfile(int to, int from, off_t *offset, size_t size) { return sendfile64(to, from, offset, size); }

ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags) {
    if (!is_watched(to)) return syscall(SYS_copy_file_range, from, from_at, to, to_at, size, flags);
    take();
    uint64_t time_ns = now_ns();
    ssize_t done = syscall(SYS_copy_file_range, from, from_at, to, to_at, size, flags);
    if (done > 0) put_copied(time_ns, to, (to_at ? (uint64_t)*to_at : position(to)) - (uint64_t)done, done);
    leave();
    return done;
}

void *mmap64(void *address, size_t size, int protection, int flags, int handle, off64_t offset) {
    if (handle >= 0 && flags & MAP_SHARED && protection & PROT_WRITE && is_watched(handle))
        put_unsupported("mmap, shared and writable");
    return (void *)syscall(SYS_mmap, address, size, protection, flags, handle, offset);
}
void *mmap(void *address, size_t size, int protection, int flags, int handle, off_t offset) {
    return mmap64(address, size, protection, flags, handle, offset);
}

/* ---- sizes ---- */

int ftruncate64(int handle, off64_t size) {
    if (!is_watched(handle)) return (int)syscall(SYS_ftruncate, handle, size);
    take();
    uint64_t time_ns = now_ns();
    int failed = (int)syscall(SYS_ftruncate, handle, size);
    if (!failed)
        put((struct record){.call = TRUNCATE, .time_ns = time_ns, .inode = inode_of(handle),
            .offset = (uint64_t)size}, NULL, NULL, NULL);
    leave();
    return failed;
}
int ftruncate(int handle, off_t size) { return ftruncate64(handle, size); }

int truncate64(const char *path, off64_t size) {
    char name[PATH_MAX];
    if (!watches(AT_FDCWD, path, name)) return (int)syscall(SYS_truncate, path, size);
    take();
    uint64_t time_ns = now_ns();
    int failed = (int)syscall(SYS_truncate, path, size);
    if (!failed)
        put((struct record){.call = TRUNCATE, .time_ns = time_ns, .inode = inode_at(name),
            .offset = (uint64_t)size}, NULL, NULL, NULL);
    leave();
    return failed;
}
int truncate(const char *path, off_t size) { return truncate64(path, size); }

int fallocate64(int handle, int mode, off64_t offset, off64_t length) {
    if (!is_watched(handle)) return (int)syscall(SYS_fallocate, handle, mode, offset, length);
    take();
    uint64_t time_ns = now_ns();
    int failed = (int)syscall(SYS_fallocate, handle, mode, offset, length);
    if (!failed) {
        struct record record = {.time_ns = time_ns, .inode = inode_of(handle),
            .offset = (uint64_t)offset, .length = (uint64_t)length};
        if (mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)) record.call = PUNCH;
        else if (!mode) record.call = EXTEND;
        else if (mode != FALLOC_FL_KEEP_SIZE) put_unsupported("fallocate with this mode");
        if (record.call) put(record, NULL, NULL, NULL);
    }
    leave();
    return failed;
}
int fallocate(int handle, int mode, off_t offset, off_t length) { return fallocate64(handle, mode, offset, length); }
int posix_fallocate64(int handle, off64_t offset, off64_t length) {
    return fallocate64(handle, 0, offset, length) ? errno : 0;
}
int posix_fallocate(int handle, off_t offset, off_t length) { return posix_fallocate64(handle, offset, length); }

/* ---- durability ---- */

static int synced(int handle, long number) {
    if (!is_watched(handle)) return (int)syscall(number, handle);
    take();
    uint64_t time_ns = now_ns();
    int failed = (int)syscall(number, handle);
    if (!failed)
        put((struct record){.call = SYNC, .time_ns = time_ns, .inode = inode_of(handle)}, NULL, NULL, NULL);
    leave();
    return failed;
}

int fsync(int handle) { return synced(handle, SYS_fsync); }
int fdatasync(int handle) { return synced(handle, SYS_fdatasync); }

/* Promises nothing about metadata (sync_file_range(2)): not durable, so not recorded. */

static void synced_all(void) {
    if (log_handle < 0) return;
    take();
    put((struct record){.call = SYNC_ALL, .time_ns = now_ns()}, NULL, NULL, NULL);
    leave();
}
void sync(void) {
    syscall(SYS_sync);
    synced_all();
}
int syncfs(int handle) {
    int failed = (int)syscall(SYS_syncfs, handle);
    if (!failed && is_watched(handle)) synced_all();
    return failed;
}

/* ---- names ---- */

static int moved(int from_at, const char *from, int to_at, const char *to, enum call call, unsigned flags) {
    char name[PATH_MAX], second[PATH_MAX];
    int leaves = watches(from_at, from, name), comes = watches(to_at, to, second);
    long number = call == LINK ? SYS_linkat : SYS_renameat2;
    if (!leaves && !comes) return (int)syscall(number, from_at, from, to_at, to, flags);
    if (leaves != comes) put_unsupported("a file that moves across the border of the folder");
    if (call == RENAME && flags & ~(unsigned)RENAME_NOREPLACE) put_unsupported("renameat2 with this flag");
    take();
    uint64_t time_ns = now_ns(), inode = inode_at(name);
    int failed = (int)syscall(number, from_at, from, to_at, to, flags);
    if (!failed) put((struct record){.call = call, .time_ns = time_ns, .inode = inode}, name, second, NULL);
    leave();
    return failed;
}

int rename(const char *from, const char *to) { return moved(AT_FDCWD, from, AT_FDCWD, to, RENAME, 0); }
int renameat(int from_at, const char *from, int to_at, const char *to) { return moved(from_at, from, to_at, to, RENAME, 0); }
int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    return moved(from_at, from, to_at, to, RENAME, flags);
}
int link(const char *from, const char *to) { return moved(AT_FDCWD, from, AT_FDCWD, to, LINK, 0); }
int linkat(int from_at, const char *from, int to_at, const char *to, int flags) {
    return moved(from_at, from, to_at, to, LINK, (unsigned)flags);
}
int symlinkat(const char *target, int at, const char *path) {
    char name[PATH_MAX];
    if (watches(at, path, name)) put_unsupported("symlink");
    return (int)syscall(SYS_symlinkat, target, at, path);
}
int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }

int unlinkat(int at, const char *path, int flags) {
    char name[PATH_MAX];
    if (!watches(at, path, name)) return (int)syscall(SYS_unlinkat, at, path, flags);
    take();
    uint64_t time_ns = now_ns(), inode = inode_at(name);
    int failed = (int)syscall(SYS_unlinkat, at, path, flags);
    if (!failed)
        put((struct record){.call = flags & AT_REMOVEDIR ? REMOVE_FOLDER : UNLINK, .time_ns = time_ns,
            .inode = inode}, name, NULL, NULL);
    leave();
    return failed;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
    int failed = unlink(path);
    return failed && errno == EISDIR ? rmdir(path) : failed;
}

int mkdirat(int at, const char *path, mode_t mode) {
    char name[PATH_MAX];
    if (!watches(at, path, name)) return (int)syscall(SYS_mkdirat, at, path, mode);
    take();
    uint64_t time_ns = now_ns();
    int failed = (int)syscall(SYS_mkdirat, at, path, mode);
    if (!failed)
        put((struct record){.call = MAKE_FOLDER, .time_ns = time_ns, .inode = inode_at(name)}, name, NULL, NULL);
    leave();
    return failed;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
