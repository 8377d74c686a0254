"""The numbers of the system calls that the filter names, on the processors that it knows. All others are forbidden.

Each entry: name, number on x86_64, number on aarch64 (- where it has none). From linux/unistd.h of Linux 6.18.
"""


def _table(text: str) -> dict[str, tuple[int | None, int | None]]:
    """{name: (number on x86_64, number on aarch64)}"""
    rows = [entry.split() for line in text.splitlines() for entry in line.partition("#")[0].split(",") if entry.strip()]
    return {name: (_number(x86_64), _number(aarch64)) for name, x86_64, aarch64 in rows}


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)


# Allowed, whatever the arguments.
ALLOWED = _table("""
# files that are open
read 0 63, write 1 64, readv 19 65, writev 20 66, pread64 17 67, pwrite64 18 68, preadv 295 69, pwritev 296 70,
preadv2 327 286, pwritev2 328 287, lseek 8 62, sendfile 40 71, copy_file_range 326 285, close 3 57,
close_range 436 436, dup 32 23, dup2 33 -, dup3 292 24, pipe 22 -, pipe2 293 59, flock 73 32, fsync 74 82,
fdatasync 75 83, ftruncate 77 46, fallocate 285 47, fadvise64 221 223,
# files and folders by name
stat 4 -, fstat 5 80, lstat 6 -, newfstatat 262 79, statx 332 291, statfs 137 43, fstatfs 138 44, access 21 -,
faccessat 269 48, faccessat2 439 439, readlink 89 -, readlinkat 267 78, getdents 78 -, getdents64 217 61,
getcwd 79 17, chdir 80 49, fchdir 81 50, umask 95 166, mkdir 83 -, mkdirat 258 34, rmdir 84 -, unlink 87 -,
unlinkat 263 35, rename 82 -, renameat 264 38, renameat2 316 276, link 86 -, linkat 265 37, symlink 88 -,
symlinkat 266 36,
# memory
munmap 11 215, mremap 25 216, mprotect 10 226, madvise 28 233, brk 12 214, msync 26 227,
mincore 27 232, membarrier 324 283, get_mempolicy 239 236, map_shadow_stack 453 453,
# threads
futex 202 98, futex_waitv 449 449, futex_wake 454 454, futex_wait 455 455, futex_requeue 456 456,
set_robust_list 273 99, get_robust_list 274 100, rseq 334 293, set_tid_address 218 96, arch_prctl 158 -,
sched_yield 24 124, sched_getaffinity 204 123, sched_getparam 143 121, sched_getscheduler 145 120,
sched_get_priority_max 146 125, sched_get_priority_min 147 126, sched_rr_get_interval 148 127,
getpriority 140 141, getcpu 309 168,
# this process
exit 60 93, exit_group 231 94, wait4 61 260, waitid 247 95, getpid 39 172, getppid 110 173, gettid 186 178,
getpgrp 111 -, getpgid 121 155, getsid 124 156, getuid 102 174, geteuid 107 175, getgid 104 176,
getegid 108 177, getresuid 118 148, getresgid 120 150, getgroups 115 158, capget 125 90, getrlimit 97 163,
getrusage 98 165, times 100 153, sysinfo 99 179, uname 63 160, getrandom 318 278,
# time and signals
time 201 -, gettimeofday 96 169, clock_gettime 228 113, clock_getres 229 114, clock_nanosleep 230 115,
nanosleep 35 101, alarm 37 -, getitimer 36 102, setitimer 38 103, pause 34 -, rt_sigaction 13 134,
rt_sigprocmask 14 135, rt_sigreturn 15 139, rt_sigsuspend 130 133, rt_sigpending 127 136,
rt_sigtimedwait 128 137, sigaltstack 131 132, restart_syscall 219 128,
# waiting, and the socket that it was given
poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72, epoll_create 213 -, epoll_create1 291 20,
epoll_ctl 233 21, epoll_wait 232 -, epoll_pwait 281 22, epoll_pwait2 441 441, eventfd 284 -, eventfd2 290 19,
recvfrom 45 207, shutdown 48 210, getsockname 51 204, getpeername 52 205, getsockopt 55 209,
""")
# Allowed with some arguments.
CONDITIONAL = _table("""
# what they may do is in filter.py
mmap 9 222, open 2 -, openat 257 56, fcntl 72 25, ioctl 16 29, clone 56 220, kill 62 129, tgkill 234 131,
prlimit64 302 261, prctl 157 167, sendto 44 206, sched_setaffinity 203 122,
""")
# Said to succeed, and not done.
PRETENDED = _table("""
# owners, permissions and times, which Landlock does not guard: libraries set them where nobody needs them
chmod 90 -, fchmod 91 52, fchmodat 268 53, fchmodat2 452 452, chown 92 -, fchown 93 55, lchown 94 -,
fchownat 260 54, utime 132 -, utimes 235 -, utimensat 280 88, futimesat 261 -,
""")
# Said to be newer than the kernel.
MISSING = _table("""
# arguments in memory, where a filter cannot look: the C library then takes the older call
clone3 435 435, openat2 437 437,
""")
# Said to be unknown to the file system.
UNSUPPORTED = _table("""
# as on a file system without them
getxattr 191 8, lgetxattr 192 9, fgetxattr 193 10, listxattr 194 11, llistxattr 195 12, flistxattr 196 13,
setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7,
""")
