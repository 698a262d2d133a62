using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Bundt.Oci.Runtime;

/// <summary>
/// A forward reader of JSON whose errors name the field ("linux.namespaces[2].type: …"). The path costs nothing until an error needs it:
/// only offsets of names and indices of elements are kept. JSON null counts as absent everywhere. A field that stands twice in an object is an
/// error: programs differ in which of the two they take.
/// </summary>
public ref struct FieldReader
{
    private const int MaxDepth = 64;

    private readonly ReadOnlySpan<byte> _json;
    private readonly HashSet<ulong> _names = [];
    private Utf8JsonReader _reader;
    private Path _path;
    private Path _objects;
    private int _depth;
    private int _object;
    private bool _onValue;

    /// <summary>Starts before the first token.</summary>
    public FieldReader(ReadOnlySpan<byte> json)
    {
        _json = json;
        _reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
    }

    /// <summary>Enters an object; false if the value is null.</summary>
    public bool BeginObject() => Begin(JsonTokenType.StartObject, "an object", -1);

    /// <summary>Goes to the next field of the current object; false at its end.</summary>
    /// <exception cref="FormatException">One of the same name stands before it.</exception>
    public bool NextField() => Next(foldsCase: true);

    /// <summary>Goes to the next entry of the current object, whose names are data (<see cref="FieldName"/>): upper and lower case differ.</summary>
    /// <exception cref="FormatException">One of the same name stands before it, or the name cannot be one.</exception>
    public bool NextEntry() => Next(foldsCase: false);

    /// <summary>Whether the current field has this name. Upper and lower case are the same, as for the Go programs that write configs and for runc.</summary>
    public readonly bool Is(ReadOnlySpan<byte> name) =>
        _reader.ValueTextEquals(name) || (_reader.ValueSpan.Length == name.Length && Ascii.EqualsIgnoreCase(_reader.ValueSpan, name));

    /// <summary>The current field's name.</summary>
    public readonly string FieldName()
    {
        try
        {
            var name = _reader.GetString()!;
            return _reader.ValueIsEscaped && name.Contains('\0') ? throw Error("its name contains a NUL character") : name;
        }
        catch (InvalidOperationException)
        {
            throw Error("its name is not valid Unicode");
        }
    }

    /// <summary>Enters an array; false if the value is null.</summary>
    public bool BeginArray() => Begin(JsonTokenType.StartArray, "an array", -1);

    /// <summary>Goes to the next element of the current array; false at its end.</summary>
    public bool NextElement()
    {
        Read();
        if (_reader.TokenType == JsonTokenType.EndArray)
        {
            _depth--;
            return false;
        }

        // Element n is kept as ~(n + 1), the array itself as ~0: negative, unlike the offset of a name.
        _path[_depth - 1]--;
        _onValue = true;
        return true;
    }

    /// <summary>Passes over the value.</summary>
    public void Skip()
    {
        Advance();
        try
        {
            _reader.Skip();
        }
        catch (JsonException e)
        {
            throw Malformed(e);
        }
    }

    /// <summary>Passes over the value and answers its text.</summary>
    public ReadOnlySpan<byte> GetRaw()
    {
        Advance();
        var start = (int)_reader.TokenStartIndex;
        try
        {
            _reader.Skip();
        }
        catch (JsonException e)
        {
            throw Malformed(e);
        }

        return _json[start..(int)_reader.BytesConsumed];
    }

    /// <summary>How many bytes have been read.</summary>
    public readonly int Position => (int)_reader.BytesConsumed;

    /// <summary>The text from a position to what was read last.</summary>
    public readonly ReadOnlySpan<byte> Since(int position) => _json[position..Position];

    /// <summary>A string, or null.</summary>
    public string? GetString()
    {
        Advance();
        if (_reader.TokenType == JsonTokenType.Null)
        {
            return null;
        }

        if (_reader.TokenType != JsonTokenType.String)
        {
            throw Expected("a string");
        }

        try
        {
            var text = _reader.GetString();

            // Names and words end at a NUL for the kernel: what stands behind it would vanish. In JSON it can only be written as an escape.
            return _reader.ValueIsEscaped && text!.Contains('\0') ? throw Error("contains a NUL character") : text;
        }
        catch (InvalidOperationException)
        {
            throw Error("is not valid Unicode");
        }
    }

    /// <summary>A string that must be there.</summary>
    public string GetRequiredString() => GetString() ?? throw Expected("a string");

    /// <summary>A truth value, or null.</summary>
    public bool? GetBoolean()
    {
        Advance();
        return _reader.TokenType switch
        {
            JsonTokenType.True => true,
            JsonTokenType.False => false,
            JsonTokenType.Null => null,
            _ => throw Expected("true or false"),
        };
    }

    /// <summary>A whole number in a range, or null.</summary>
    public long? GetInteger(long min = long.MinValue, long max = long.MaxValue)
    {
        Advance();
        if (_reader.TokenType == JsonTokenType.Null)
        {
            return null;
        }

        if (_reader.TokenType != JsonTokenType.Number)
        {
            throw Expected("a number");
        }

        if (!_reader.TryGetInt64(out var value) || value < min || value > max)
        {
            throw Error($"must be a whole number from {min} to {max}, not {Text()}");
        }

        return value;
    }

    /// <summary>A whole number of 64 bits without a sign, or null.</summary>
    public ulong? GetUnsigned()
    {
        Advance();
        if (_reader.TokenType == JsonTokenType.Null)
        {
            return null;
        }

        if (_reader.TokenType != JsonTokenType.Number)
        {
            throw Expected("a number");
        }

        return _reader.TryGetUInt64(out var value) ? value : throw Error($"must be a whole number from 0 to {ulong.MaxValue}, not {Text()}");
    }

    /// <summary>A whole number of 32 bits without a sign, or null.</summary>
    public uint? GetUnsigned32() => (uint?)GetInteger(0, uint.MaxValue);

    /// <summary>A whole number of 32 bits, or null.</summary>
    public int? GetInteger32(int min = int.MinValue, int max = int.MaxValue) => (int?)GetInteger(min, max);

    /// <summary>A list of strings; empty for null.</summary>
    public IReadOnlyList<string> GetStrings()
    {
        if (!BeginArray())
        {
            return [];
        }

        var list = new List<string>();
        while (NextElement())
        {
            list.Add(GetRequiredString());
        }

        return list;
    }

    /// <summary>A map of strings; empty for null.</summary>
    public IReadOnlyDictionary<string, string> GetStringMap()
    {
        var map = new Dictionary<string, string>();
        if (BeginObject())
        {
            while (NextEntry())
            {
                map[FieldName()] = GetRequiredString();
            }
        }

        return map;
    }

    /// <summary>Checks that nothing follows the value.</summary>
    public void End()
    {
        try
        {
            if (_reader.Read())
            {
                throw Error("is followed by something else");
            }
        }
        catch (JsonException e)
        {
            throw Malformed(e);
        }
    }

    /// <summary>An error at the current field.</summary>
    /// <param name="what">What is wrong with it ("must be …").</param>
    public readonly FormatException Error(string what)
    {
        var path = PathText();
        return new FormatException($"{(path.Length == 0 ? "config" : path)}: {what}");
    }

    private bool Begin(JsonTokenType start, string what, int mark)
    {
        Advance();
        if (_reader.TokenType == JsonTokenType.Null)
        {
            return false;
        }

        if (_reader.TokenType != start)
        {
            throw Expected(what);
        }

        _objects[_depth] = ++_object;
        _path[_depth++] = mark;
        return true;
    }

    private bool Next(bool foldsCase)
    {
        Read();
        if (_reader.TokenType == JsonTokenType.EndObject)
        {
            _depth--;
            return false;
        }

        _path[_depth - 1] = (int)_reader.TokenStartIndex;
        return _names.Add(Fingerprint(foldsCase)) ? true : throw Error("stands twice");
    }

    // FNV-1a of the object's number and the name: 64 bits, so that no two of the fields that a config has are the same by accident.
    private readonly ulong Fingerprint(bool foldsCase)
    {
        const ulong Offset = 14695981039346656037, Prime = 1099511628211;
        var hash = (Offset ^ (uint)_objects[_depth - 1]) * Prime;
        foreach (var value in _reader.ValueIsEscaped ? Encoding.UTF8.GetBytes(FieldName()) : _reader.ValueSpan)
        {
            hash = (hash ^ (foldsCase && value is >= (byte)'A' and <= (byte)'Z' ? value | 0x20u : value)) * Prime;
        }

        return hash;
    }

    private void Advance()
    {
        if (_onValue)
        {
            _onValue = false;
        }
        else
        {
            Read();
        }
    }

    private void Read()
    {
        try
        {
            if (!_reader.Read())
            {
                throw Error("ends too early");
            }
        }
        catch (JsonException e)
        {
            throw Malformed(e);
        }
    }

    private readonly FormatException Expected(string what) => Error($"must be {what}, not {Text()}");

    private readonly FormatException Malformed(JsonException cause)
    {
        var path = PathText();
        var what = _reader.CurrentDepth >= MaxDepth - 1 ? $"nested deeper than {MaxDepth} levels" : "malformed JSON";
        return new FormatException(
            $"{(path.Length == 0 ? "config" : path)}: {what} in line {(cause.LineNumber ?? 0) + 1}, column {(cause.BytePositionInLine ?? 0) + 1}",
            cause);
    }

    private readonly string Text() => _reader.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.Null => "null",
        JsonTokenType.String => "a string",
        _ => Encoding.UTF8.GetString(_reader.ValueSpan),
    };

    private readonly string PathText()
    {
        var text = new StringBuilder();
        for (var i = 0; i < _depth; i++)
        {
            var position = _path[i];
            if (position >= 0)
            {
                var name = new Utf8JsonReader(_json[position..], isFinalBlock: false, default);
                name.Read();
                if (text.Length > 0)
                {
                    text.Append('.');
                }

                text.Append(Encoding.UTF8.GetString(name.ValueSpan));
            }
            else if (position < -1)
            {
                text.Append(CultureInfo.InvariantCulture, $"[{-position - 2}]");
            }
        }

        return text.ToString();
    }

    [InlineArray(MaxDepth + 1)]
    private struct Path
    {
        private int _first;
    }
}
