/* Stands between a program and the disk (LD_PRELOAD): records what it does to the files below one folder, in order and
 * with the bytes; can make a chosen call fail; can kill the process right before or after a chosen call.
 *
 * Everything goes to the system directly, so nothing is looked up at run time. Records are written with one system call
 * each while a lock is held: the order of the log is the order of the deeds. See recording.py for the record's layout. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_FILES 4096
#define MAGIC 0x53555256u

enum { SAYING = 'A', CLOSED = 'C', FAILED = 'F', LINKED = 'L', MAPPED = 'M', MADE = 'D', OPENED = 'O', RENAMED = 'R',
       SYNCED = 'S', TRUNCATED = 'T', UNLINKED = 'U', WRITTEN = 'W', RANGE_SYNCED = 'G' };

struct record {
    uint32_t magic;
    uint32_t what;
    int32_t fd;
    int32_t error;
    int64_t number;
    uint32_t first, second;
};

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char root[PATH_MAX];
static size_t root_length;
static int log_fd = -1;
static char *paths[MOST_FILES];
static pid_t owner;

/* What is to happen, and when. calls: letters of the calls that are counted. file: part of the path, empty for any. */
static struct {
    int kill, after, forever, error;
    long at, seen;
    char calls[16], file[128];
} plan;

static long raw_write(int fd, const void *data, size_t size) { return syscall(SYS_write, fd, data, size); }

static void note(char what, int fd, int error, int64_t number, const void *first, size_t n1, const void *second,
                 size_t n2)
{
    if (log_fd < 0)
        return;
    struct record record = {MAGIC, (uint32_t)what, fd, error, number, (uint32_t)n1, (uint32_t)n2};
    struct iovec parts[3] = {{&record, sizeof record}, {(void *)first, n1}, {(void *)second, n2}};
    size_t wanted = sizeof record + n1 + n2;
    if (syscall(SYS_writev, log_fd, parts, 3) != (long)wanted)
        abort();
}

/* Called by the driver through ctypes, in a process of its own for each run. */
void survival_begin(const char *folder, const char *log)
{
    owner = getpid();
    root_length = strlen(folder);
    memcpy(root, folder, root_length + 1);
    for (int fd = 0; fd < MOST_FILES; fd++)
        paths[fd] = NULL;
    if (log_fd >= 0)
        syscall(SYS_close, log_fd);
    log_fd = -1;
    if (*log) {
        long fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        log_fd = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 900);
        syscall(SYS_close, fd);
        if (log_fd < 0)
            abort();
    }
    memset(&plan, 0, sizeof plan);
}

void survival_arm(int kill_it, int after, int forever, int error, long at, const char *calls, const char *file)
{
    memset(&plan, 0, sizeof plan);
    plan.kill = kill_it;
    plan.after = after;
    plan.forever = forever;
    plan.error = error;
    strncpy(plan.calls, calls, sizeof plan.calls - 1);
    strncpy(plan.file, file, sizeof plan.file - 1);
    plan.at = at;
}

/* How many of the calls the plan counts were made so far. */
long survival_seen(void) { return plan.seen; }

/* How many files below the folder are open. */
int survival_open_files(void)
{
    int count = 0;
    for (int fd = 0; fd < MOST_FILES; fd++)
        count += paths[fd] != NULL;
    return count;
}

/* No call fails any more: there is room again. */
void survival_relent(void) { plan.at = 0; }

static int ours(void) { return root_length && getpid() == owner; }

static int is_below(const char *path)
{
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

/* The absolute path of what a call names; 0 where it is none of our business. */
static int resolve(int dirfd, const char *path, char *out)
{
    if (!ours() || path == NULL)
        return 0;
    size_t used = 0;
    if (path[0] != '/') {
        if (dirfd == AT_FDCWD) {
            if (syscall(SYS_getcwd, out, PATH_MAX) < 0)
                return 0;
            used = strlen(out);
        } else if (dirfd >= 0 && dirfd < MOST_FILES && paths[dirfd]) {
            used = strlen(paths[dirfd]);
            memcpy(out, paths[dirfd], used);
        } else
            return 0;
        out[used++] = '/';
    }
    if (used + strlen(path) >= PATH_MAX)
        return 0;
    strcpy(out + used, path);
    return is_below(out);
}

static const char *path_of(int fd) { return fd >= 0 && fd < MOST_FILES && ours() ? paths[fd] : NULL; }

/* Whether the plan strikes at this call: 0 no, else the error it fails with. Kills at once if it says so. */
static int strikes(char call, const char *path)
{
    if (!plan.at || !strchr(plan.calls, call) || (plan.file[0] && !strstr(path, plan.file)))
        return 0;
    if (strstr(path, "-shm"))
        return 0;
    plan.seen++;
    if (plan.kill) {
        if (plan.seen == plan.at && !plan.after)
            syscall(SYS_kill, getpid(), SIGKILL);
        return 0;
    }
    return plan.seen == plan.at || (plan.forever && plan.seen > plan.at) ? plan.error : 0;
}

static void strikes_after(char call, const char *path)
{
    if (plan.kill && plan.after && plan.seen == plan.at && strchr(plan.calls, call) &&
        (!plan.file[0] || strstr(path, plan.file)) && !strstr(path, "-shm"))
        syscall(SYS_kill, getpid(), SIGKILL);
}

static int refused(char call, int fd, const char *path, int error)
{
    int64_t kind = call;
    note(FAILED, fd, error, kind, path, strlen(path), NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return -1;
}

#define BEGIN(call, fd, path)                                                                                           \
    int struck;                                                                                                        \
    pthread_mutex_lock(&lock);                                                                                         \
    if ((struck = strikes(call, path)))                                                                                \
        return refused(call, fd, path, struck);

#define END(call, path)                                                                                                \
    do {                                                                                                               \
        int kept = errno;                                                                                              \
        strikes_after(call, path);                                                                                     \
        pthread_mutex_unlock(&lock);                                                                                   \
        errno = kept;                                                                                                  \
    } while (0)

/* --- names --------------------------------------------------------------------------------------------------------- */

static int open_at(int dirfd, const char *path, int flags, mode_t mode)
{
    char full[PATH_MAX];
    if (!resolve(dirfd, path, full))
        return (int)syscall(SYS_openat, dirfd, path, flags, mode);
    char call = flags & O_CREAT && faccessat(AT_FDCWD, full, F_OK, 0) != 0 ? OPENED : 'o';
    BEGIN(call, -1, full)
    int fd = (int)syscall(SYS_openat, dirfd, path, flags, mode);
    if (fd >= MOST_FILES)
        abort();
    if (fd >= 0) {
        free(paths[fd]);
        paths[fd] = strdup(full);
        note(OPENED, fd, 0, flags, full, strlen(full), "new", call == OPENED ? 3 : 0);
    }
    END(call, full);
    return fd;
}

#define MODE_OF(flags, mode)                                                                                           \
    mode_t mode = 0;                                                                                                   \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                                           \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode = va_arg(rest, mode_t);                                                                                   \
        va_end(rest);                                                                                                  \
    }

int open(const char *path, int flags, ...) { MODE_OF(flags, mode) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags, mode) return open_at(AT_FDCWD, path, flags, mode); }
int openat(int dirfd, const char *path, int flags, ...) { MODE_OF(flags, mode) return open_at(dirfd, path, flags, mode); }
int openat64(int dirfd, const char *path, int flags, ...) { MODE_OF(flags, mode) return open_at(dirfd, path, flags, mode); }
int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int close(int fd)
{
    const char *path = path_of(fd);
    if (!path)
        return (int)syscall(SYS_close, fd);
    pthread_mutex_lock(&lock);
    note(CLOSED, fd, 0, 0, NULL, 0, NULL, 0);
    free(paths[fd]);
    paths[fd] = NULL;
    int done = (int)syscall(SYS_close, fd);
    pthread_mutex_unlock(&lock);
    return done;
}

static int rename_at(int fromfd, const char *from, int tofd, const char *to, unsigned flags)
{
    char first[PATH_MAX], second[PATH_MAX];
    int known = resolve(fromfd, from, first);
    if (!(resolve(tofd, to, second) && known))
        return (int)syscall(SYS_renameat2, fromfd, from, tofd, to, flags);
    BEGIN(RENAMED, -1, second)
    int done = (int)syscall(SYS_renameat2, fromfd, from, tofd, to, flags);
    if (done == 0)
        note(RENAMED, -1, 0, flags, first, strlen(first), second, strlen(second));
    END(RENAMED, second);
    return done;
}

int rename(const char *from, const char *to) { return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int fromfd, const char *from, int tofd, const char *to) { return rename_at(fromfd, from, tofd, to, 0); }
int renameat2(int fromfd, const char *from, int tofd, const char *to, unsigned flags)
{
    return rename_at(fromfd, from, tofd, to, flags);
}

int linkat(int fromfd, const char *from, int tofd, const char *to, int flags)
{
    char first[PATH_MAX], second[PATH_MAX];
    int known = resolve(fromfd, from, first);
    if (!(resolve(tofd, to, second) && known))
        return (int)syscall(SYS_linkat, fromfd, from, tofd, to, flags);
    BEGIN(LINKED, -1, second)
    int done = (int)syscall(SYS_linkat, fromfd, from, tofd, to, flags);
    if (done == 0)
        note(LINKED, -1, 0, 0, first, strlen(first), second, strlen(second));
    END(LINKED, second);
    return done;
}

int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int dirfd, const char *path, int flags)
{
    char full[PATH_MAX];
    if (!resolve(dirfd, path, full))
        return (int)syscall(SYS_unlinkat, dirfd, path, flags);
    BEGIN(UNLINKED, -1, full)
    int done = (int)syscall(SYS_unlinkat, dirfd, path, flags);
    if (done == 0)
        note(UNLINKED, -1, 0, flags, full, strlen(full), NULL, 0);
    END(UNLINKED, full);
    return done;
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int remove(const char *path)
{
    struct stat found;
    int folder = fstatat(AT_FDCWD, path, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(found.st_mode);
    return unlinkat(AT_FDCWD, path, folder ? AT_REMOVEDIR : 0);
}
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int dirfd, const char *path, mode_t mode)
{
    char full[PATH_MAX];
    if (!resolve(dirfd, path, full))
        return (int)syscall(SYS_mkdirat, dirfd, path, mode);
    BEGIN(MADE, -1, full)
    int done = (int)syscall(SYS_mkdirat, dirfd, path, mode);
    if (done == 0)
        note(MADE, -1, 0, mode, full, strlen(full), NULL, 0);
    END(MADE, full);
    return done;
}

int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* --- bytes --------------------------------------------------------------------------------------------------------- */

/* offset: where the bytes go, or -1 for the file's own position. */
static ssize_t write_at(int fd, const void *data, size_t size, off_t offset)
{
    const char *path = path_of(fd);
    if (!path) {
        if (fd == STDOUT_FILENO && ours()) {
            pthread_mutex_lock(&lock);
            note(SAYING, fd, 0, 0, data, size, NULL, 0);
            ssize_t done = raw_write(fd, data, size);
            pthread_mutex_unlock(&lock);
            return done;
        }
        return offset < 0 ? raw_write(fd, data, size) : syscall(SYS_pwrite64, fd, data, size, offset);
    }
    int struck;
    pthread_mutex_lock(&lock);
    if ((struck = strikes(WRITTEN, path))) {
        /* A disk that has just become full takes the first half. */
        if (!(struck == ENOSPC && plan.forever && plan.seen == plan.at && size > 1))
            return refused(WRITTEN, fd, path, struck);
        size /= 2;
    }
    ssize_t done = offset < 0 ? raw_write(fd, data, size) : syscall(SYS_pwrite64, fd, data, size, offset);
    if (done > 0) {
        int64_t place = offset < 0 ? (int64_t)syscall(SYS_lseek, fd, 0, SEEK_CUR) - done : offset;
        note(WRITTEN, fd, 0, place, data, (size_t)done, NULL, 0);
    }
    END(WRITTEN, path);
    return done;
}

ssize_t write(int fd, const void *data, size_t size) { return write_at(fd, data, size, -1); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return write_at(fd, data, size, offset); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) { return write_at(fd, data, size, offset); }

static ssize_t write_parts(int fd, const struct iovec *parts, int count, off_t offset)
{
    ssize_t total = 0;
    for (int number = 0; number < count; number++) {
        ssize_t done = write_at(fd, parts[number].iov_base, parts[number].iov_len, offset < 0 ? -1 : offset + total);
        if (done < 0)
            return total ? total : -1;
        total += done;
        if ((size_t)done < parts[number].iov_len)
            break;
    }
    return total;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return path_of(fd) ? write_parts(fd, parts, count, -1) : syscall(SYS_writev, fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return write_parts(fd, parts, count, offset);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
    return write_parts(fd, parts, count, offset);
}

/* Copies inside the system would go unseen; whoever asks for one falls back to reading and writing. */
ssize_t sendfile(int to, int from, off_t *offset, size_t size)
{
    if (path_of(to)) {
        errno = ENOSYS;
        return -1;
    }
    return syscall(SYS_sendfile, to, from, offset, size);
}
ssize_t sendfile64(int to, int from, off64_t *offset, size_t size) { return sendfile(to, from, (off_t *)offset, size); }
ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags)
{
    if (path_of(to)) {
        errno = ENOSYS;
        return -1;
    }
    return syscall(SYS_copy_file_range, from, from_at, to, to_at, size, flags);
}

int ftruncate(int fd, off_t size)
{
    const char *path = path_of(fd);
    if (!path)
        return (int)syscall(SYS_ftruncate, fd, size);
    BEGIN(TRUNCATED, fd, path)
    int done = (int)syscall(SYS_ftruncate, fd, size);
    if (done == 0)
        note(TRUNCATED, fd, 0, size, NULL, 0, NULL, 0);
    END(TRUNCATED, path);
    return done;
}
int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

static int make_certain(int fd, long number)
{
    const char *path = path_of(fd);
    if (!path)
        return (int)syscall(number, fd);
    BEGIN(SYNCED, fd, path)
    int done = (int)syscall(number, fd);
    if (done == 0)
        note(SYNCED, fd, 0, 0, NULL, 0, NULL, 0);
    END(SYNCED, path);
    return done;
}

int fsync(int fd) { return make_certain(fd, SYS_fsync); }
int fdatasync(int fd) { return make_certain(fd, SYS_fdatasync); }

/* sync_file_range promises nothing after a power cut; it is recorded so that nobody counts on it unnoticed. */
int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags)
{
    if (path_of(fd))
        note(RANGE_SYNCED, fd, 0, offset, NULL, 0, NULL, 0);
    return (int)syscall(SYS_sync_file_range, fd, offset, size, flags);
}

static void *map(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    const char *path = fd >= 0 ? path_of(fd) : NULL;
    if (path && protection & PROT_WRITE && flags & MAP_SHARED)
        note(MAPPED, fd, 0, (int64_t)size, path, strlen(path), NULL, 0);
    return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    return map(address, size, protection, flags, fd, offset);
}
void *mmap64(void *address, size_t size, int protection, int flags, int fd, off64_t offset)
{
    return map(address, size, protection, flags, fd, offset);
}
