namespace Bundt.Linux;

/// <summary>Error numbers of Linux under their kernel names (include/uapi/asm-generic/errno.h; x86 and arm agree).</summary>
public enum Errno
{
    /// <summary>No error.</summary>
    None = 0,
    /// <summary>Operation not permitted.</summary>
    EPERM = 1,
    /// <summary>No such file or directory.</summary>
    ENOENT = 2,
    /// <summary>No such process.</summary>
    ESRCH = 3,
    /// <summary>Interrupted system call.</summary>
    EINTR = 4,
    /// <summary>Input/output error.</summary>
    EIO = 5,
    /// <summary>No such device or address.</summary>
    ENXIO = 6,
    /// <summary>Argument list too long.</summary>
    E2BIG = 7,
    /// <summary>Exec format error.</summary>
    ENOEXEC = 8,
    /// <summary>Bad file descriptor.</summary>
    EBADF = 9,
    /// <summary>No child processes.</summary>
    ECHILD = 10,
    /// <summary>Resource temporarily unavailable.</summary>
    EAGAIN = 11,
    /// <summary>Cannot allocate memory.</summary>
    ENOMEM = 12,
    /// <summary>Permission denied.</summary>
    EACCES = 13,
    /// <summary>Bad address.</summary>
    EFAULT = 14,
    /// <summary>Block device required.</summary>
    ENOTBLK = 15,
    /// <summary>Device or resource busy.</summary>
    EBUSY = 16,
    /// <summary>File exists.</summary>
    EEXIST = 17,
    /// <summary>Invalid cross-device link.</summary>
    EXDEV = 18,
    /// <summary>No such device.</summary>
    ENODEV = 19,
    /// <summary>Not a directory.</summary>
    ENOTDIR = 20,
    /// <summary>Is a directory.</summary>
    EISDIR = 21,
    /// <summary>Invalid argument.</summary>
    EINVAL = 22,
    /// <summary>Too many open files in system.</summary>
    ENFILE = 23,
    /// <summary>Too many open files.</summary>
    EMFILE = 24,
    /// <summary>Inappropriate ioctl for device.</summary>
    ENOTTY = 25,
    /// <summary>Text file busy.</summary>
    ETXTBSY = 26,
    /// <summary>File too large.</summary>
    EFBIG = 27,
    /// <summary>No space left on device.</summary>
    ENOSPC = 28,
    /// <summary>Illegal seek.</summary>
    ESPIPE = 29,
    /// <summary>Read-only file system.</summary>
    EROFS = 30,
    /// <summary>Too many links.</summary>
    EMLINK = 31,
    /// <summary>Broken pipe.</summary>
    EPIPE = 32,
    /// <summary>Numerical argument out of domain.</summary>
    EDOM = 33,
    /// <summary>Numerical result out of range.</summary>
    ERANGE = 34,
    /// <summary>Resource deadlock avoided.</summary>
    EDEADLK = 35,
    /// <summary>File name too long.</summary>
    ENAMETOOLONG = 36,
    /// <summary>No locks available.</summary>
    ENOLCK = 37,
    /// <summary>Function not implemented.</summary>
    ENOSYS = 38,
    /// <summary>Directory not empty.</summary>
    ENOTEMPTY = 39,
    /// <summary>Too many levels of symbolic links.</summary>
    ELOOP = 40,
    /// <summary>No message of desired type.</summary>
    ENOMSG = 42,
    /// <summary>Identifier removed.</summary>
    EIDRM = 43,
    /// <summary>Channel number out of range.</summary>
    ECHRNG = 44,
    /// <summary>Level 2 not synchronized.</summary>
    EL2NSYNC = 45,
    /// <summary>Level 3 halted.</summary>
    EL3HLT = 46,
    /// <summary>Level 3 reset.</summary>
    EL3RST = 47,
    /// <summary>Link number out of range.</summary>
    ELNRNG = 48,
    /// <summary>Protocol driver not attached.</summary>
    EUNATCH = 49,
    /// <summary>No CSI structure available.</summary>
    ENOCSI = 50,
    /// <summary>Level 2 halted.</summary>
    EL2HLT = 51,
    /// <summary>Invalid exchange.</summary>
    EBADE = 52,
    /// <summary>Invalid request descriptor.</summary>
    EBADR = 53,
    /// <summary>Exchange full.</summary>
    EXFULL = 54,
    /// <summary>No anode.</summary>
    ENOANO = 55,
    /// <summary>Invalid request code.</summary>
    EBADRQC = 56,
    /// <summary>Invalid slot.</summary>
    EBADSLT = 57,
    /// <summary>Bad font file format.</summary>
    EBFONT = 59,
    /// <summary>Device not a stream.</summary>
    ENOSTR = 60,
    /// <summary>No data available.</summary>
    ENODATA = 61,
    /// <summary>Timer expired.</summary>
    ETIME = 62,
    /// <summary>Out of streams resources.</summary>
    ENOSR = 63,
    /// <summary>Machine is not on the network.</summary>
    ENONET = 64,
    /// <summary>Package not installed.</summary>
    ENOPKG = 65,
    /// <summary>Object is remote.</summary>
    EREMOTE = 66,
    /// <summary>Link has been severed.</summary>
    ENOLINK = 67,
    /// <summary>Advertise error.</summary>
    EADV = 68,
    /// <summary>Srmount error.</summary>
    ESRMNT = 69,
    /// <summary>Communication error on send.</summary>
    ECOMM = 70,
    /// <summary>Protocol error.</summary>
    EPROTO = 71,
    /// <summary>Multihop attempted.</summary>
    EMULTIHOP = 72,
    /// <summary>RFS specific error.</summary>
    EDOTDOT = 73,
    /// <summary>Bad message.</summary>
    EBADMSG = 74,
    /// <summary>Value too large for defined data type.</summary>
    EOVERFLOW = 75,
    /// <summary>Name not unique on network.</summary>
    ENOTUNIQ = 76,
    /// <summary>File descriptor in bad state.</summary>
    EBADFD = 77,
    /// <summary>Remote address changed.</summary>
    EREMCHG = 78,
    /// <summary>Can not access a needed shared library.</summary>
    ELIBACC = 79,
    /// <summary>Accessing a corrupted shared library.</summary>
    ELIBBAD = 80,
    /// <summary>.lib section in a.out corrupted.</summary>
    ELIBSCN = 81,
    /// <summary>Attempting to link in too many shared libraries.</summary>
    ELIBMAX = 82,
    /// <summary>Cannot exec a shared library directly.</summary>
    ELIBEXEC = 83,
    /// <summary>Invalid or incomplete multibyte or wide character.</summary>
    EILSEQ = 84,
    /// <summary>Interrupted system call should be restarted.</summary>
    ERESTART = 85,
    /// <summary>Streams pipe error.</summary>
    ESTRPIPE = 86,
    /// <summary>Too many users.</summary>
    EUSERS = 87,
    /// <summary>Socket operation on non-socket.</summary>
    ENOTSOCK = 88,
    /// <summary>Destination address required.</summary>
    EDESTADDRREQ = 89,
    /// <summary>Message too long.</summary>
    EMSGSIZE = 90,
    /// <summary>Protocol wrong type for socket.</summary>
    EPROTOTYPE = 91,
    /// <summary>Protocol not available.</summary>
    ENOPROTOOPT = 92,
    /// <summary>Protocol not supported.</summary>
    EPROTONOSUPPORT = 93,
    /// <summary>Socket type not supported.</summary>
    ESOCKTNOSUPPORT = 94,
    /// <summary>Operation not supported.</summary>
    EOPNOTSUPP = 95,
    /// <summary>Protocol family not supported.</summary>
    EPFNOSUPPORT = 96,
    /// <summary>Address family not supported by protocol.</summary>
    EAFNOSUPPORT = 97,
    /// <summary>Address already in use.</summary>
    EADDRINUSE = 98,
    /// <summary>Cannot assign requested address.</summary>
    EADDRNOTAVAIL = 99,
    /// <summary>Network is down.</summary>
    ENETDOWN = 100,
    /// <summary>Network is unreachable.</summary>
    ENETUNREACH = 101,
    /// <summary>Network dropped connection on reset.</summary>
    ENETRESET = 102,
    /// <summary>Software caused connection abort.</summary>
    ECONNABORTED = 103,
    /// <summary>Connection reset by peer.</summary>
    ECONNRESET = 104,
    /// <summary>No buffer space available.</summary>
    ENOBUFS = 105,
    /// <summary>Transport endpoint is already connected.</summary>
    EISCONN = 106,
    /// <summary>Transport endpoint is not connected.</summary>
    ENOTCONN = 107,
    /// <summary>Cannot send after transport endpoint shutdown.</summary>
    ESHUTDOWN = 108,
    /// <summary>Too many references: cannot splice.</summary>
    ETOOMANYREFS = 109,
    /// <summary>Connection timed out.</summary>
    ETIMEDOUT = 110,
    /// <summary>Connection refused.</summary>
    ECONNREFUSED = 111,
    /// <summary>Host is down.</summary>
    EHOSTDOWN = 112,
    /// <summary>No route to host.</summary>
    EHOSTUNREACH = 113,
    /// <summary>Operation already in progress.</summary>
    EALREADY = 114,
    /// <summary>Operation now in progress.</summary>
    EINPROGRESS = 115,
    /// <summary>Stale file handle.</summary>
    ESTALE = 116,
    /// <summary>Structure needs cleaning.</summary>
    EUCLEAN = 117,
    /// <summary>Not a XENIX named type file.</summary>
    ENOTNAM = 118,
    /// <summary>No XENIX semaphores available.</summary>
    ENAVAIL = 119,
    /// <summary>Is a named type file.</summary>
    EISNAM = 120,
    /// <summary>Remote I/O error.</summary>
    EREMOTEIO = 121,
    /// <summary>Disk quota exceeded.</summary>
    EDQUOT = 122,
    /// <summary>No medium found.</summary>
    ENOMEDIUM = 123,
    /// <summary>Wrong medium type.</summary>
    EMEDIUMTYPE = 124,
    /// <summary>Operation canceled.</summary>
    ECANCELED = 125,
    /// <summary>Required key not available.</summary>
    ENOKEY = 126,
    /// <summary>Key has expired.</summary>
    EKEYEXPIRED = 127,
    /// <summary>Key has been revoked.</summary>
    EKEYREVOKED = 128,
    /// <summary>Key was rejected by service.</summary>
    EKEYREJECTED = 129,
    /// <summary>Owner died.</summary>
    EOWNERDEAD = 130,
    /// <summary>State not recoverable.</summary>
    ENOTRECOVERABLE = 131,
    /// <summary>Operation not possible due to RF-kill.</summary>
    ERFKILL = 132,
}

/// <summary>Names and texts of <see cref="Errno"/>, without a locale and without reflection.</summary>
public static class ErrnoText
{
    /// <summary>The kernel's name, or the number.</summary>
    public static string Name(this Errno errno) => errno switch
    {
        Errno.None => "0",
        Errno.EPERM => "EPERM",
        Errno.ENOENT => "ENOENT",
        Errno.ESRCH => "ESRCH",
        Errno.EINTR => "EINTR",
        Errno.EIO => "EIO",
        Errno.ENXIO => "ENXIO",
        Errno.E2BIG => "E2BIG",
        Errno.ENOEXEC => "ENOEXEC",
        Errno.EBADF => "EBADF",
        Errno.ECHILD => "ECHILD",
        Errno.EAGAIN => "EAGAIN",
        Errno.ENOMEM => "ENOMEM",
        Errno.EACCES => "EACCES",
        Errno.EFAULT => "EFAULT",
        Errno.ENOTBLK => "ENOTBLK",
        Errno.EBUSY => "EBUSY",
        Errno.EEXIST => "EEXIST",
        Errno.EXDEV => "EXDEV",
        Errno.ENODEV => "ENODEV",
        Errno.ENOTDIR => "ENOTDIR",
        Errno.EISDIR => "EISDIR",
        Errno.EINVAL => "EINVAL",
        Errno.ENFILE => "ENFILE",
        Errno.EMFILE => "EMFILE",
        Errno.ENOTTY => "ENOTTY",
        Errno.ETXTBSY => "ETXTBSY",
        Errno.EFBIG => "EFBIG",
        Errno.ENOSPC => "ENOSPC",
        Errno.ESPIPE => "ESPIPE",
        Errno.EROFS => "EROFS",
        Errno.EMLINK => "EMLINK",
        Errno.EPIPE => "EPIPE",
        Errno.EDOM => "EDOM",
        Errno.ERANGE => "ERANGE",
        Errno.EDEADLK => "EDEADLK",
        Errno.ENAMETOOLONG => "ENAMETOOLONG",
        Errno.ENOLCK => "ENOLCK",
        Errno.ENOSYS => "ENOSYS",
        Errno.ENOTEMPTY => "ENOTEMPTY",
        Errno.ELOOP => "ELOOP",
        Errno.ENOMSG => "ENOMSG",
        Errno.EIDRM => "EIDRM",
        Errno.ECHRNG => "ECHRNG",
        Errno.EL2NSYNC => "EL2NSYNC",
        Errno.EL3HLT => "EL3HLT",
        Errno.EL3RST => "EL3RST",
        Errno.ELNRNG => "ELNRNG",
        Errno.EUNATCH => "EUNATCH",
        Errno.ENOCSI => "ENOCSI",
        Errno.EL2HLT => "EL2HLT",
        Errno.EBADE => "EBADE",
        Errno.EBADR => "EBADR",
        Errno.EXFULL => "EXFULL",
        Errno.ENOANO => "ENOANO",
        Errno.EBADRQC => "EBADRQC",
        Errno.EBADSLT => "EBADSLT",
        Errno.EBFONT => "EBFONT",
        Errno.ENOSTR => "ENOSTR",
        Errno.ENODATA => "ENODATA",
        Errno.ETIME => "ETIME",
        Errno.ENOSR => "ENOSR",
        Errno.ENONET => "ENONET",
        Errno.ENOPKG => "ENOPKG",
        Errno.EREMOTE => "EREMOTE",
        Errno.ENOLINK => "ENOLINK",
        Errno.EADV => "EADV",
        Errno.ESRMNT => "ESRMNT",
        Errno.ECOMM => "ECOMM",
        Errno.EPROTO => "EPROTO",
        Errno.EMULTIHOP => "EMULTIHOP",
        Errno.EDOTDOT => "EDOTDOT",
        Errno.EBADMSG => "EBADMSG",
        Errno.EOVERFLOW => "EOVERFLOW",
        Errno.ENOTUNIQ => "ENOTUNIQ",
        Errno.EBADFD => "EBADFD",
        Errno.EREMCHG => "EREMCHG",
        Errno.ELIBACC => "ELIBACC",
        Errno.ELIBBAD => "ELIBBAD",
        Errno.ELIBSCN => "ELIBSCN",
        Errno.ELIBMAX => "ELIBMAX",
        Errno.ELIBEXEC => "ELIBEXEC",
        Errno.EILSEQ => "EILSEQ",
        Errno.ERESTART => "ERESTART",
        Errno.ESTRPIPE => "ESTRPIPE",
        Errno.EUSERS => "EUSERS",
        Errno.ENOTSOCK => "ENOTSOCK",
        Errno.EDESTADDRREQ => "EDESTADDRREQ",
        Errno.EMSGSIZE => "EMSGSIZE",
        Errno.EPROTOTYPE => "EPROTOTYPE",
        Errno.ENOPROTOOPT => "ENOPROTOOPT",
        Errno.EPROTONOSUPPORT => "EPROTONOSUPPORT",
        Errno.ESOCKTNOSUPPORT => "ESOCKTNOSUPPORT",
        Errno.EOPNOTSUPP => "EOPNOTSUPP",
        Errno.EPFNOSUPPORT => "EPFNOSUPPORT",
        Errno.EAFNOSUPPORT => "EAFNOSUPPORT",
        Errno.EADDRINUSE => "EADDRINUSE",
        Errno.EADDRNOTAVAIL => "EADDRNOTAVAIL",
        Errno.ENETDOWN => "ENETDOWN",
        Errno.ENETUNREACH => "ENETUNREACH",
        Errno.ENETRESET => "ENETRESET",
        Errno.ECONNABORTED => "ECONNABORTED",
        Errno.ECONNRESET => "ECONNRESET",
        Errno.ENOBUFS => "ENOBUFS",
        Errno.EISCONN => "EISCONN",
        Errno.ENOTCONN => "ENOTCONN",
        Errno.ESHUTDOWN => "ESHUTDOWN",
        Errno.ETOOMANYREFS => "ETOOMANYREFS",
        Errno.ETIMEDOUT => "ETIMEDOUT",
        Errno.ECONNREFUSED => "ECONNREFUSED",
        Errno.EHOSTDOWN => "EHOSTDOWN",
        Errno.EHOSTUNREACH => "EHOSTUNREACH",
        Errno.EALREADY => "EALREADY",
        Errno.EINPROGRESS => "EINPROGRESS",
        Errno.ESTALE => "ESTALE",
        Errno.EUCLEAN => "EUCLEAN",
        Errno.ENOTNAM => "ENOTNAM",
        Errno.ENAVAIL => "ENAVAIL",
        Errno.EISNAM => "EISNAM",
        Errno.EREMOTEIO => "EREMOTEIO",
        Errno.EDQUOT => "EDQUOT",
        Errno.ENOMEDIUM => "ENOMEDIUM",
        Errno.EMEDIUMTYPE => "EMEDIUMTYPE",
        Errno.ECANCELED => "ECANCELED",
        Errno.ENOKEY => "ENOKEY",
        Errno.EKEYEXPIRED => "EKEYEXPIRED",
        Errno.EKEYREVOKED => "EKEYREVOKED",
        Errno.EKEYREJECTED => "EKEYREJECTED",
        Errno.EOWNERDEAD => "EOWNERDEAD",
        Errno.ENOTRECOVERABLE => "ENOTRECOVERABLE",
        Errno.ERFKILL => "ERFKILL",
        _ => ((int)errno).ToString(System.Globalization.CultureInfo.InvariantCulture),
    };

    /// <summary>What strerror(3) says in the C locale.</summary>
    public static string Describe(this Errno errno) => errno switch
    {
        Errno.None => "Success",
        Errno.EPERM => "Operation not permitted",
        Errno.ENOENT => "No such file or directory",
        Errno.ESRCH => "No such process",
        Errno.EINTR => "Interrupted system call",
        Errno.EIO => "Input/output error",
        Errno.ENXIO => "No such device or address",
        Errno.E2BIG => "Argument list too long",
        Errno.ENOEXEC => "Exec format error",
        Errno.EBADF => "Bad file descriptor",
        Errno.ECHILD => "No child processes",
        Errno.EAGAIN => "Resource temporarily unavailable",
        Errno.ENOMEM => "Cannot allocate memory",
        Errno.EACCES => "Permission denied",
        Errno.EFAULT => "Bad address",
        Errno.ENOTBLK => "Block device required",
        Errno.EBUSY => "Device or resource busy",
        Errno.EEXIST => "File exists",
        Errno.EXDEV => "Invalid cross-device link",
        Errno.ENODEV => "No such device",
        Errno.ENOTDIR => "Not a directory",
        Errno.EISDIR => "Is a directory",
        Errno.EINVAL => "Invalid argument",
        Errno.ENFILE => "Too many open files in system",
        Errno.EMFILE => "Too many open files",
        Errno.ENOTTY => "Inappropriate ioctl for device",
        Errno.ETXTBSY => "Text file busy",
        Errno.EFBIG => "File too large",
        Errno.ENOSPC => "No space left on device",
        Errno.ESPIPE => "Illegal seek",
        Errno.EROFS => "Read-only file system",
        Errno.EMLINK => "Too many links",
        Errno.EPIPE => "Broken pipe",
        Errno.EDOM => "Numerical argument out of domain",
        Errno.ERANGE => "Numerical result out of range",
        Errno.EDEADLK => "Resource deadlock avoided",
        Errno.ENAMETOOLONG => "File name too long",
        Errno.ENOLCK => "No locks available",
        Errno.ENOSYS => "Function not implemented",
        Errno.ENOTEMPTY => "Directory not empty",
        Errno.ELOOP => "Too many levels of symbolic links",
        Errno.ENOMSG => "No message of desired type",
        Errno.EIDRM => "Identifier removed",
        Errno.ECHRNG => "Channel number out of range",
        Errno.EL2NSYNC => "Level 2 not synchronized",
        Errno.EL3HLT => "Level 3 halted",
        Errno.EL3RST => "Level 3 reset",
        Errno.ELNRNG => "Link number out of range",
        Errno.EUNATCH => "Protocol driver not attached",
        Errno.ENOCSI => "No CSI structure available",
        Errno.EL2HLT => "Level 2 halted",
        Errno.EBADE => "Invalid exchange",
        Errno.EBADR => "Invalid request descriptor",
        Errno.EXFULL => "Exchange full",
        Errno.ENOANO => "No anode",
        Errno.EBADRQC => "Invalid request code",
        Errno.EBADSLT => "Invalid slot",
        Errno.EBFONT => "Bad font file format",
        Errno.ENOSTR => "Device not a stream",
        Errno.ENODATA => "No data available",
        Errno.ETIME => "Timer expired",
        Errno.ENOSR => "Out of streams resources",
        Errno.ENONET => "Machine is not on the network",
        Errno.ENOPKG => "Package not installed",
        Errno.EREMOTE => "Object is remote",
        Errno.ENOLINK => "Link has been severed",
        Errno.EADV => "Advertise error",
        Errno.ESRMNT => "Srmount error",
        Errno.ECOMM => "Communication error on send",
        Errno.EPROTO => "Protocol error",
        Errno.EMULTIHOP => "Multihop attempted",
        Errno.EDOTDOT => "RFS specific error",
        Errno.EBADMSG => "Bad message",
        Errno.EOVERFLOW => "Value too large for defined data type",
        Errno.ENOTUNIQ => "Name not unique on network",
        Errno.EBADFD => "File descriptor in bad state",
        Errno.EREMCHG => "Remote address changed",
        Errno.ELIBACC => "Can not access a needed shared library",
        Errno.ELIBBAD => "Accessing a corrupted shared library",
        Errno.ELIBSCN => ".lib section in a.out corrupted",
        Errno.ELIBMAX => "Attempting to link in too many shared libraries",
        Errno.ELIBEXEC => "Cannot exec a shared library directly",
        Errno.EILSEQ => "Invalid or incomplete multibyte or wide character",
        Errno.ERESTART => "Interrupted system call should be restarted",
        Errno.ESTRPIPE => "Streams pipe error",
        Errno.EUSERS => "Too many users",
        Errno.ENOTSOCK => "Socket operation on non-socket",
        Errno.EDESTADDRREQ => "Destination address required",
        Errno.EMSGSIZE => "Message too long",
        Errno.EPROTOTYPE => "Protocol wrong type for socket",
        Errno.ENOPROTOOPT => "Protocol not available",
        Errno.EPROTONOSUPPORT => "Protocol not supported",
        Errno.ESOCKTNOSUPPORT => "Socket type not supported",
        Errno.EOPNOTSUPP => "Operation not supported",
        Errno.EPFNOSUPPORT => "Protocol family not supported",
        Errno.EAFNOSUPPORT => "Address family not supported by protocol",
        Errno.EADDRINUSE => "Address already in use",
        Errno.EADDRNOTAVAIL => "Cannot assign requested address",
        Errno.ENETDOWN => "Network is down",
        Errno.ENETUNREACH => "Network is unreachable",
        Errno.ENETRESET => "Network dropped connection on reset",
        Errno.ECONNABORTED => "Software caused connection abort",
        Errno.ECONNRESET => "Connection reset by peer",
        Errno.ENOBUFS => "No buffer space available",
        Errno.EISCONN => "Transport endpoint is already connected",
        Errno.ENOTCONN => "Transport endpoint is not connected",
        Errno.ESHUTDOWN => "Cannot send after transport endpoint shutdown",
        Errno.ETOOMANYREFS => "Too many references: cannot splice",
        Errno.ETIMEDOUT => "Connection timed out",
        Errno.ECONNREFUSED => "Connection refused",
        Errno.EHOSTDOWN => "Host is down",
        Errno.EHOSTUNREACH => "No route to host",
        Errno.EALREADY => "Operation already in progress",
        Errno.EINPROGRESS => "Operation now in progress",
        Errno.ESTALE => "Stale file handle",
        Errno.EUCLEAN => "Structure needs cleaning",
        Errno.ENOTNAM => "Not a XENIX named type file",
        Errno.ENAVAIL => "No XENIX semaphores available",
        Errno.EISNAM => "Is a named type file",
        Errno.EREMOTEIO => "Remote I/O error",
        Errno.EDQUOT => "Disk quota exceeded",
        Errno.ENOMEDIUM => "No medium found",
        Errno.EMEDIUMTYPE => "Wrong medium type",
        Errno.ECANCELED => "Operation canceled",
        Errno.ENOKEY => "Required key not available",
        Errno.EKEYEXPIRED => "Key has expired",
        Errno.EKEYREVOKED => "Key has been revoked",
        Errno.EKEYREJECTED => "Key was rejected by service",
        Errno.EOWNERDEAD => "Owner died",
        Errno.ENOTRECOVERABLE => "State not recoverable",
        Errno.ERFKILL => "Operation not possible due to RF-kill",
        _ => "Unknown error",
    };
}
