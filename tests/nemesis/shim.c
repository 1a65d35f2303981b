/* Preloaded into redis-server and into nodes, so that a test can do to them what disks and clocks
   do.

   A page shared with the test says by how much the wall clock is off and how slow a sync is; the
   shim notes there, for every file that was synced, how much of it a sync has covered. After a kill
   the test cuts each file to that length: what was written and not synced is what a power loss
   takes. The length is read before the real sync begins, and noted after it has ended, so it never
   says too much. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { FILES_MAX = 4000 };

/* tests/nemesis/control.py writes and reads the same layout. */
struct file {
    _Atomic uint64_t inode; /* 0: free */
    _Atomic int64_t synced;
};
struct control {
    _Atomic int64_t clock_offset_ns;
    _Atomic int64_t sync_delay_us;
    _Atomic int64_t sync_fails; /* not 0: a sync answers EIO */
    _Atomic int64_t syncs;
    struct file files[FILES_MAX];
};

static struct control* control;

__attribute__((constructor)) static void open_control(void) {
    const char* path = getenv("CROSSCLEAR_NEMESIS_CONTROL");
    if (path == NULL) return;
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void* page = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page != MAP_FAILED) control = page;
}

/* The file's place in the table; a full table ends the process rather than forget a file. */
static struct file* place_of(uint64_t inode) {
    for (size_t i = 0; i < FILES_MAX; ++i) {
        uint64_t found = 0;
        struct file* file = &control->files[i];
        if (atomic_compare_exchange_strong(&file->inode, &found, inode) || found == inode) {
            return file;
        }
    }
    abort();
}

static int sync_and_note(int fd, int (*sync)(int)) {
    struct stat before;
    if (control == NULL || fstat(fd, &before) != 0 || !S_ISREG(before.st_mode)) return sync(fd);
    const int64_t delay = atomic_load(&control->sync_delay_us);
    if (delay > 0) {
        const struct timespec pause = {delay / 1000000, delay % 1000000 * 1000};
        nanosleep(&pause, NULL);
    }
    if (atomic_load(&control->sync_fails) != 0) {
        errno = EIO;
        return -1;
    }
    const int status = sync(fd);
    if (status == 0) {
        atomic_store(&place_of(before.st_ino)->synced, before.st_size);
        atomic_fetch_add(&control->syncs, 1);
    }
    return status;
}

static void* next(const char* name) {
    void* found = dlsym(RTLD_NEXT, name);
    if (found == NULL) abort();
    return found;
}

int fsync(int fd) {
    static int (*real)(int);
    if (real == NULL) real = (int (*)(int))next("fsync");
    return sync_and_note(fd, real);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (real == NULL) real = (int (*)(int))next("fdatasync");
    return sync_and_note(fd, real);
}

/* What is cut off is no longer synced, whatever is written there afterwards. */
static void note_cut(int fd, int64_t length) {
    struct stat file;
    if (control == NULL || fstat(fd, &file) != 0) return;
    struct file* place = place_of(file.st_ino);
    if (atomic_load(&place->synced) > length) atomic_store(&place->synced, length);
}

int ftruncate64(int fd, off64_t length) {
    const int status = (int)syscall(SYS_ftruncate, fd, length);
    if (status == 0) note_cut(fd, length);
    return status;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int truncate64(const char* path, off64_t length) {
    const int status = (int)syscall(SYS_truncate, path, length);
    const int fd = status == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        note_cut(fd, length);
        close(fd);
    }
    return status;
}

int truncate(const char* path, off_t length) { return truncate64(path, length); }

/* Only the wall clock jumps; what measures spans of time does not. */
int clock_gettime(clockid_t clock, struct timespec* at) {
    const int status = (int)syscall(SYS_clock_gettime, clock, at);
    if (status != 0 || control == NULL) return status;
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return status;
    const int64_t now = at->tv_sec * INT64_C(1000000000) + at->tv_nsec +
                        atomic_load_explicit(&control->clock_offset_ns, memory_order_relaxed);
    at->tv_sec = now / 1000000000;
    at->tv_nsec = now % 1000000000;
    return status;
}

int gettimeofday(struct timeval* restrict at, void* restrict zone) {
    (void)zone;
    struct timespec now;
    const int status = clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return status;
}

time_t time(time_t* out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) *out = now.tv_sec;
    return now.tv_sec;
}
