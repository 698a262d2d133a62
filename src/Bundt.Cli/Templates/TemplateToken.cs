namespace Bundt.Cli.Templates;

/// <summary>Kinds of tokens between braces.</summary>
internal enum TokenKind
{
    /// <summary>A word: keyword or function.</summary>
    Word,
    /// <summary>".Name" or a lone ".".</summary>
    Field,
    /// <summary>"$name" or "$".</summary>
    Variable,
    /// <summary>A quoted text, unquoted.</summary>
    Text,
    /// <summary>A number.</summary>
    Number,
    /// <summary>| ( ) , := =.</summary>
    Symbol,
    /// <summary>The end of the action.</summary>
    End,
}

/// <summary>A token between braces.</summary>
/// <param name="Kind">Kind.</param>
/// <param name="Text">Its text; a field without its dot.</param>
/// <param name="Spaced">White space stands before it: ".a .b" are two operands, ".a.b" is one.</param>
internal readonly record struct TemplateToken(TokenKind Kind, string Text, bool Spaced);
