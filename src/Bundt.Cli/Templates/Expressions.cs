namespace Bundt.Cli.Templates;

/// <summary>Something with a value.</summary>
internal abstract record Expression
{
    /// <summary>Its value.</summary>
    /// <exception cref="TemplateException">It does not fit the data.</exception>
    public abstract object? Evaluate(Scope scope);
}

/// <summary>A literal.</summary>
internal sealed record Literal(object? Value) : Expression
{
    /// <inheritdoc/>
    public override object? Evaluate(Scope scope) => Value;
}

/// <summary>The dot.</summary>
internal sealed record Dot : Expression
{
    /// <inheritdoc/>
    public override object? Evaluate(Scope scope) => scope.Dot;
}

/// <summary>A variable; "" is "$", the whole data.</summary>
internal sealed record Variable(string Name) : Expression
{
    /// <inheritdoc/>
    public override object? Evaluate(Scope scope) => scope.Find(Name);
}

/// <summary>A field of a value, or a method with arguments (<c>.Label "x"</c>).</summary>
internal sealed record Field(Expression Target, string Name, List<Expression> Arguments) : Expression
{
    /// <inheritdoc/>
    public override object? Evaluate(Scope scope) => TemplateValues.Field(Target.Evaluate(scope), Name, [.. Arguments.Select(a => a.Evaluate(scope))]);
}

/// <summary>A function with arguments. "and" and "or" stop at the first value that decides.</summary>
internal sealed record Call(string Name, List<Expression> Arguments) : Expression
{
    /// <inheritdoc/>
    public override object? Evaluate(Scope scope)
    {
        if (Name is "and" or "or" && Arguments.Count > 0)
        {
            object? last = null;
            foreach (Expression argument in Arguments)
            {
                last = argument.Evaluate(scope);
                if (TemplateValues.IsTrue(last) == (Name == "or"))
                {
                    break;
                }
            }

            return last;
        }

        return Functions.Call(Name, [.. Arguments.Select(a => a.Evaluate(scope))]);
    }
}
