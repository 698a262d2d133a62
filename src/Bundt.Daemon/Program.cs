using Bundt.Daemon;
using Bundt.Daemon.Configuration;
using Bundt.Daemon.Server;
using Bundt.Linux;

try
{
    DaemonArguments arguments = DaemonArguments.Parse(args);
    if (arguments.Help || arguments.Version)
    {
        await Console.Out.WriteAsync(arguments.Help ? DaemonArguments.Usage : $"bundtd {ServerHeader.Version}\n");
        return 0;
    }

    using var daemon = new DaemonProcess(DaemonConfiguration.Load(arguments));
    return await daemon.RunAsync();
}
catch (FormatException exception)
{
    await Console.Error.WriteLineAsync($"bundtd: {exception.Message}\nSee 'bundtd --help'.");
    return 125;
}
catch (BundtException exception)
{
    await Console.Error.WriteLineAsync($"bundtd: {exception.Message}");
    return 125;
}
