namespace Bundt.Cli.Output;

/// <summary>One object of a list, as named texts that tables and templates show.</summary>
internal sealed class Row
{
    private readonly Dictionary<string, string> _fields = new(StringComparer.Ordinal);

    /// <summary>Labels, for <c>{{.Label "name"}}</c>.</summary>
    public Dictionary<string, string> LabelMap { get; } = new(StringComparer.Ordinal);

    /// <summary>All fields.</summary>
    public IReadOnlyDictionary<string, string> Fields => _fields;

    /// <summary>A field's text.</summary>
    public string this[string name]
    {
        get => _fields[name];
        set => _fields[name] = value;
    }
}
