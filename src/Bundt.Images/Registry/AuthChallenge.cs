using System.Text;

namespace Bundt.Images.Registry;

/// <summary>One challenge of a WWW-Authenticate header (RFC 9110, 11.6.1; distribution, auth/token.md).</summary>
/// <param name="Scheme">In lower case: "bearer", "basic".</param>
/// <param name="Parameters">Names in lower case.</param>
internal sealed record AuthChallenge(string Scheme, IReadOnlyDictionary<string, string> Parameters)
{
    private const int MaxParameters = 32;

    /// <summary>The value of a parameter, or null.</summary>
    public string? this[string name] => Parameters.GetValueOrDefault(name);

    /// <summary>Reads every challenge of one header value. What follows a malformed part is ignored.</summary>
    public static IReadOnlyList<AuthChallenge> Parse(string header)
    {
        List<AuthChallenge> challenges = [];
        int at = 0;
        while (true)
        {
            SkipSeparators(header, ref at);
            string scheme = Token(header, ref at);
            if (scheme.Length == 0)
            {
                return challenges;
            }

            Dictionary<string, string> parameters = new(StringComparer.OrdinalIgnoreCase);
            while (TryParameter(header, ref at, out string name, out string value))
            {
                if (parameters.Count == MaxParameters || !parameters.TryAdd(name, value))
                {
                    return challenges;
                }
            }

            challenges.Add(new AuthChallenge(scheme.ToLowerInvariant(), parameters));
        }
    }

    /// <summary>Reads name=value or name="value"; leaves the position alone if the next thing is something else, such as the next scheme.</summary>
    private static bool TryParameter(string text, ref int at, out string name, out string value)
    {
        int from = at;
        value = "";
        SkipSeparators(text, ref at);
        name = Token(text, ref at);
        SkipBlanks(text, ref at);
        if (name.Length == 0 || at >= text.Length || text[at] != '=')
        {
            at = from;
            return false;
        }

        at++;
        SkipBlanks(text, ref at);
        if (at < text.Length && text[at] == '"')
        {
            return TryQuoted(text, ref at, out value);
        }

        value = Token(text, ref at);
        return value.Length > 0;
    }

    private static bool TryQuoted(string text, ref int at, out string value)
    {
        StringBuilder content = new();
        for (at++; at < text.Length; at++)
        {
            switch (text[at])
            {
                case '"':
                    at++;
                    value = content.ToString();
                    return true;
                case '\\' when at + 1 < text.Length:
                    content.Append(text[++at]);
                    break;
                default:
                    content.Append(text[at]);
                    break;
            }
        }

        value = "";
        return false;
    }

    private static string Token(string text, ref int at)
    {
        int from = at;
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || "!#$%&'*+-.^_`|~:/".Contains(text[at], StringComparison.Ordinal)))
        {
            at++;
        }

        return text[from..at];
    }

    private static void SkipSeparators(string text, ref int at)
    {
        while (at < text.Length && (text[at] is ' ' or '\t' or ','))
        {
            at++;
        }
    }

    private static void SkipBlanks(string text, ref int at)
    {
        while (at < text.Length && (text[at] is ' ' or '\t'))
        {
            at++;
        }
    }
}
