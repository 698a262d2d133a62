namespace Bundt.Linux.Systemd;

/// <summary>A value of a D-Bus message (D-Bus specification, "Type System").</summary>
/// <param name="Signature">Its type: one complete type without structs and dictionaries ("s", "t", "as").</param>
/// <param name="Value">
/// bool (b), byte (y), short (n), ushort (q), int (i), uint (u), long (x), ulong (t), double (d), string (s, o, g), or a list of them as objects (a…).
/// </param>
public sealed record DBusValue(string Signature, object Value)
{
    /// <summary>A truth value.</summary>
    public static DBusValue Of(bool value) => new("b", value);

    /// <summary>Text.</summary>
    public static DBusValue Of(string value) => new("s", value);

    /// <summary>An unsigned number of 64 bits.</summary>
    public static DBusValue Of(ulong value) => new("t", value);

    /// <summary>Bytes.</summary>
    public static DBusValue Of(byte[] value) => new("ay", value.Select(item => (object)item).ToArray());

    /// <summary>Unsigned numbers of 32 bits.</summary>
    public static DBusValue Of(uint[] value) => new("au", value.Select(item => (object)item).ToArray());
}
