namespace Bundt.Linux.Systemd;

/// <summary>What is asked of systemd (org.freedesktop.systemd1(5)). A connection of its own, which waits for systemd's jobs.</summary>
public sealed class SystemdManager : IDisposable
{
    private const string Name = "org.freedesktop.systemd1", Path = "/org/freedesktop/systemd1", Interface = "org.freedesktop.systemd1.Manager";
    private const string NoSuchUnit = Name + ".NoSuchUnit", UnitExists = Name + ".UnitExists";

    private readonly DBusConnection _connection;

    private SystemdManager(DBusConnection connection) => _connection = connection;

    /// <summary>Whether systemd is this host's init (sd_booted(3)).</summary>
    public static bool IsRunning => Directory.Exists("/run/systemd/system");

    /// <summary>Connects to it.</summary>
    /// <exception cref="BundtException">Unavailable: it does not run, or does not answer.</exception>
    public static SystemdManager Connect()
    {
        RequireRunning();
        var connection = DBusConnection.Open();
        try
        {
            // Over the bus it tells of its jobs only those who have asked for it.
            connection.Call(Name, Path, Interface, "Subscribe", "", []);
            return new SystemdManager(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Refuses where systemd is not this host's init.</summary>
    public static void RequireRunning()
    {
        if (!IsRunning)
        {
            throw new BundtException(
                FailureKind.Unavailable, Phase.Cgroup, "systemd not running on this host, cannot use systemd cgroups manager", "Use the cgroupfs driver.");
        }
    }

    /// <summary>Starts a transient unit and waits until it is active. What an ended one of that name has left is cleared away.</summary>
    /// <param name="unit">Its name.</param>
    /// <param name="properties">Its properties.</param>
    /// <exception cref="BundtException">With systemd's answer.</exception>
    public void StartTransient(string unit, IReadOnlyList<KeyValuePair<string, DBusValue>> properties)
    {
        var arguments = new DBusWriter();
        arguments.Text(unit);
        arguments.Text("fail");
        arguments.Properties(properties);
        arguments.NoStructs();
        var answer = Call("StartTransientUnit", "ssa(sv)a(sa(sv))", arguments);
        if (answer.FailureName == UnitExists)
        {
            ResetFailed(unit);
            answer = Call("StartTransientUnit", "ssa(sv)a(sa(sv))", arguments);
        }

        var result = Wait(Checked(answer, $"start {unit}"));
        if (result != "done")
        {
            ResetFailed(unit);
            throw new BundtException(FailureKind.Internal, Phase.Cgroup, $"systemd could not start {unit}: the job's result is \"{result}\"", $"journalctl -u {unit} may say why.");
        }
    }

    /// <summary>Changes properties of a unit that runs, until the next boot.</summary>
    /// <exception cref="BundtException">With systemd's answer.</exception>
    public void SetProperties(string unit, IReadOnlyList<KeyValuePair<string, DBusValue>> properties)
    {
        var arguments = new DBusWriter();
        arguments.Text(unit);
        arguments.Truth(true);
        arguments.Properties(properties);
        Checked(Call("SetUnitProperties", "sba(sv)", arguments), $"set properties of {unit}");
    }

    /// <summary>Stops a unit, waits until it is stopped, and lets systemd forget that it failed. Missing is fine.</summary>
    /// <exception cref="BundtException">With systemd's answer.</exception>
    public void Stop(string unit)
    {
        var arguments = new DBusWriter();
        arguments.Text(unit);
        arguments.Text("replace");
        var answer = Call("StopUnit", "ss", arguments);
        if (answer.FailureName != NoSuchUnit)
        {
            Wait(Checked(answer, $"stop {unit}"));
            ResetFailed(unit);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    // That it is not loaded is what is wanted.
    private void ResetFailed(string unit)
    {
        var arguments = new DBusWriter();
        arguments.Text(unit);
        Call("ResetFailedUnit", "s", arguments);
    }

    private DBusMessage Call(string method, string signature, DBusWriter arguments) => _connection.Call(Name, Path, Interface, method, signature, arguments.Written);

    private static DBusMessage Checked(DBusMessage answer, string what)
    {
        if (answer.Kind != DBusMessage.Error)
        {
            return answer;
        }

        var text = answer.Signature.StartsWith('s') ? answer.Text() : "";
        throw new BundtException(FailureKind.Internal, Phase.Cgroup, $"systemd refuses to {what}: {text} ({answer.FailureName})");
    }

    // JobRemoved(u id, o job, s unit, s result)
    private string Wait(DBusMessage answer)
    {
        var job = answer.Text();
        while (true)
        {
            var signal = _connection.NextSignal();
            if (signal is { Name: "JobRemoved", Signature: "uoss" })
            {
                signal.UInt32();
                if (signal.Text() == job)
                {
                    signal.Text();
                    return signal.Text();
                }
            }
        }
    }
}
