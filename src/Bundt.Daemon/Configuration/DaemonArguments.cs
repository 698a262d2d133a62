using CommandLine;

namespace Bundt.Daemon.Configuration;

/// <summary>bundtd's command line. Null and empty mean "not given": the configuration file or the default decides.</summary>
internal sealed class DaemonArguments
{
    [Option("root", MetaValue = "DIR", HelpText = "Durable state: images, containers, volumes (/var/lib/bundt)")]
    public string? Root { get; set; }

    [Option("run", MetaValue = "DIR", HelpText = "Live state: sockets (/run/bundt)")]
    public string? Run { get; set; }

    [Option("socket", MetaValue = "PATH", HelpText = "Where to listen (DIR of --run, bundt.sock); ignored under socket activation")]
    public string? Socket { get; set; }

    [Option("config-file", MetaValue = "FILE", HelpText = "Configuration as docker's daemon.json (/etc/bundt/daemon.json)")]
    public string? ConfigFile { get; set; }

    [Option("insecure-registry", MetaValue = "HOST", HelpText = "Registry host or CIDR block to speak plain HTTP to; may be repeated")]
    public IEnumerable<string> InsecureRegistries { get; set; } = [];

    [Option("registry-mirror", MetaValue = "URL", HelpText = "Asked before docker.io; may be repeated")]
    public IEnumerable<string> RegistryMirrors { get; set; } = [];

    [Option("bridge", MetaValue = "NAME", HelpText = "Interface of the default network (bundt0); \"none\": containers that name no network have none")]
    public string? Bridge { get; set; }

    [Option("ip", MetaValue = "ADDRESS", HelpText = "Where ports are published that name no address (all of the host's addresses)")]
    public string? PublishAt { get; set; }

    [Option("bip", MetaValue = "CIDR", HelpText = "Address of the default network's bridge, and its subnet: 172.17.0.1/16")]
    public string? BridgeAddress { get; set; }

    [Option("host-gateway-ip", MetaValue = "IP", HelpText = "What host-gateway of --add-host stands for (the address of the default network's bridge); may be repeated")]
    public IEnumerable<string> HostGateways { get; set; } = [];

    [Option("log-level", MetaValue = "LEVEL", HelpText = "debug, info, warn, error or fatal (info)")]
    public string? LogLevel { get; set; }

    [Option("help", HelpText = "Show this and exit")]
    public bool Help { get; set; }

    [Option("version", HelpText = "Show the version and exit")]
    public bool Version { get; set; }

    private static readonly string[] s_valued =
        ["--root", "--run", "--socket", "--config-file", "--insecure-registry", "--registry-mirror", "--bridge", "--bip", "--ip", "--host-gateway-ip", "--log-level"];

    /// <summary>Parses them.</summary>
    /// <exception cref="FormatException">One sentence that names the option.</exception>
    public static DaemonArguments Parse(string[] arguments)
    {
        // The library takes an option at the end whose value is missing for one that was not given.
        if (arguments is [.., var last] && s_valued.Contains(last) && !(arguments is [.., var before, _] && s_valued.Contains(before)))
        {
            throw new FormatException($"{arguments[^1]} needs a value");
        }

        using var parser = new Parser(static settings =>
        {
            settings.GetoptMode = true;
            settings.AllowMultiInstance = true;
            settings.AutoHelp = false;
            settings.AutoVersion = false;
            settings.HelpWriter = null;
        });
        ParserResult<DaemonArguments> result = AotParsing.Parse<DaemonArguments>(parser, arguments);
        foreach (Error error in result.Errors)
        {
            throw new FormatException(error switch
            {
                UnknownOptionError unknown => $"unknown option: {unknown.Token}",
                MissingValueOptionError missing => $"--{missing.NameInfo.LongName} needs a value",
                BadFormatConversionError bad => $"--{bad.NameInfo.LongName}: its value is not of the right kind",
                NamedError named => $"--{named.NameInfo.LongName}: {error.Tag}",
                TokenError token => $"{token.Token}: {error.Tag}",
                _ => error.Tag.ToString(),
            });
        }

        return result.Value;
    }

    /// <summary>The usage text.</summary>
    public static string Usage { get; } =
        """
        Usage: bundtd [OPTIONS]

        The daemon of Bundt: runs containers and answers the Docker Engine API on a unix socket.
        Containers go on when it ends, and a new one adopts them.

          --root DIR                Durable state: images, containers, volumes (/var/lib/bundt)
          --run DIR                 Live state: sockets (/run/bundt)
          --socket PATH             Where to listen (RUN/bundt.sock); a socket passed by systemd goes before
          --config-file FILE        Configuration as docker's daemon.json (/etc/bundt/daemon.json)
          --insecure-registry HOST  Registry host or CIDR block to speak plain HTTP to; may be repeated
          --registry-mirror URL     Asked before docker.io; may be repeated
          --bridge NAME             Interface of the default network (bundt0); "none": containers that name no network have none
          --ip ADDRESS              Where ports are published that name no address (all of the host's addresses)
          --bip CIDR                Address of the default network's bridge, and its subnet: 172.17.0.1/16
          --host-gateway-ip IP      What host-gateway of --add-host stands for (the address of the default network's bridge); may be repeated
          --log-level LEVEL         debug, info, warn, error or fatal (info)
          --help, --version
        """ + "\n";
}
