using System.Globalization;
using System.Text;
using Bundt.Linux;
using Bundt.Linux.Systemd;

namespace Bundt.Runtime.Limits;

/// <summary>
/// Properties of the scope that a config's annotations ask for: org.systemd.property.NAME with a value in GVariant's text format, as runc and crun
/// read them. The annotations are the caller's, who could ask systemd himself: an engine that passes on those of images or of users must choose.
/// </summary>
public static class SystemdAnnotations
{
    private const string Prefix = "org.systemd.property.";

    /// <summary>The properties.</summary>
    /// <exception cref="BundtException">InvalidArgument: a name or a value is none.</exception>
    public static IEnumerable<KeyValuePair<string, DBusValue>> Read(IReadOnlyDictionary<string, string> annotations)
    {
        foreach (var (key, text) in annotations)
        {
            if (!key.StartsWith(Prefix, StringComparison.Ordinal))
            {
                continue;
            }

            var name = key[Prefix.Length..];
            if (name.Length < 3 || !name.All(char.IsAsciiLetter))
            {
                throw new BundtException(FailureKind.InvalidArgument, Phase.Cgroup, $"annotation {key}: \"{name}\" is no name of a property");
            }

            DBusValue value;
            try
            {
                value = new Parser(text).Read();
                if (name.Length > 3 && name.EndsWith("Sec", StringComparison.Ordinal) && char.IsAsciiLetterLower(name[^4]))
                {
                    // systemctl's "TimeoutStopSec" is "TimeoutStopUSec" on the bus.
                    name = name[..^3] + "USec";
                    value = Microseconds(value);
                }
            }
            catch (Exception e) when (e is FormatException or OverflowException)
            {
                throw new BundtException(FailureKind.InvalidArgument, Phase.Cgroup, $"annotation {key}: \"{text}\" is no value of a property", null, e);
            }

            yield return new KeyValuePair<string, DBusValue>(name, value);
        }
    }

    private static DBusValue Microseconds(DBusValue seconds) => seconds.Signature is "b" or "s" or "o" or "g" || seconds.Signature[0] == 'a'
        ? throw new FormatException("not a number")
        : DBusValue.Of(checked((ulong)(Convert.ToDecimal(seconds.Value, CultureInfo.InvariantCulture) * 1_000_000)));

    // GVariant text format: true, 'text', 5, 5.5, uint64 5, @t 5, ['a', 'b'].
    private ref struct Parser(string text)
    {
        private int _position;

        public DBusValue Read()
        {
            var value = Value(null);
            Space();
            return _position == text.Length ? value : throw new FormatException();
        }

        private DBusValue Value(string? type)
        {
            Space();
            return Next switch
            {
                '[' => Array(type),
                '\'' or '"' => new DBusValue(type is null or "s" or "o" or "g" ? type ?? "s" : throw new FormatException(), Quoted()),
                '@' => Value(Signature()),
                _ => Word(type),
            };
        }

        private readonly char Next => _position < text.Length ? text[_position] : throw new FormatException();

        private void Space()
        {
            while (_position < text.Length && char.IsWhiteSpace(text[_position]))
            {
                _position++;
            }
        }

        private DBusValue Array(string? type)
        {
            if (type is not null && type[0] != 'a')
            {
                throw new FormatException();
            }

            var element = type?[1..];
            var items = new List<object>();
            _position++;
            Space();
            while (Next != ']')
            {
                var item = Value(element);
                element ??= item.Signature;
                items.Add(item.Signature == element ? item.Value : throw new FormatException());
                Space();
                if (Next == ',')
                {
                    _position++;
                    Space();
                }
                else if (Next != ']')
                {
                    throw new FormatException();
                }
            }

            _position++;
            return new DBusValue("a" + (element ?? throw new FormatException()), items.ToArray());
        }

        private string Quoted()
        {
            var quote = text[_position++];
            var result = new StringBuilder();
            while (Next != quote)
            {
                if (Next == '\\')
                {
                    _position++;
                }

                result.Append(Next);
                _position++;
            }

            _position++;
            return result.ToString();
        }

        private string Signature()
        {
            var start = ++_position;
            while (char.IsAsciiLetter(Next))
            {
                _position++;
            }

            var signature = text[start.._position];
            return signature.TrimStart('a') is { Length: 1 } letter && "bynqiuxtdsog".Contains(letter, StringComparison.Ordinal) ? signature : throw new FormatException();
        }

        private DBusValue Word(string? type)
        {
            var start = _position;
            while (_position < text.Length && (char.IsAsciiLetterOrDigit(text[_position]) || text[_position] is '+' or '-' or '.' or '_'))
            {
                _position++;
            }

            var word = text[start.._position];
            var named = word switch
            {
                "boolean" => "b",
                "byte" => "y",
                "int16" => "n",
                "uint16" => "q",
                "int32" => "i",
                "uint32" => "u",
                "int64" => "x",
                "uint64" => "t",
                "double" => "d",
                "string" => "s",
                "objectpath" => "o",
                "signature" => "g",
                _ => null,
            };
            if (named is not null)
            {
                return type is null ? Value(named) : throw new FormatException();
            }

            type ??= word is "true" or "false" ? "b" : word.AsSpan().ContainsAny('.', 'e', 'E') && !word.StartsWith("0x", StringComparison.Ordinal) ? "d" : "i";
            var invariant = CultureInfo.InvariantCulture;
            return new DBusValue(type, type switch
            {
                "b" => word switch { "true" => true, "false" => false, _ => throw new FormatException() },
                "y" => byte.Parse(word, invariant),
                "n" => short.Parse(word, invariant),
                "q" => ushort.Parse(word, invariant),
                "i" => int.Parse(word, invariant),
                "u" => uint.Parse(word, invariant),
                "x" => long.Parse(word, invariant),
                "t" => ulong.Parse(word, invariant),
                "d" => double.Parse(word, invariant),
                _ => throw new FormatException(),
            });
        }
    }
}
