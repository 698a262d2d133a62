namespace Bundt.Cli.Templates;

/// <summary>The dot and the variables that an action sees.</summary>
internal sealed class Scope(Scope? outer, object? dot)
{
    private Dictionary<string, object?>? _variables;

    /// <summary>The dot.</summary>
    public object? Dot => dot;

    /// <summary>A new variable.</summary>
    public void Declare(string name, object? value) => (_variables ??= [])[name] = value;

    /// <summary>A new value for a variable.</summary>
    public void Assign(string name, object? value)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._variables?.ContainsKey(name) == true)
            {
                scope._variables[name] = value;
                return;
            }
        }

        throw new TemplateException($"undefined variable \"${name}\"");
    }

    /// <summary>A variable's value.</summary>
    public object? Find(string name)
    {
        Scope scope = this;
        while (true)
        {
            if (scope._variables?.TryGetValue(name, out object? value) == true)
            {
                return value;
            }

            if (scope.Outer is null)
            {
                return name.Length == 0 ? scope.Dot : throw new TemplateException($"undefined variable \"${name}\"");
            }

            scope = scope.Outer;
        }
    }

    private Scope? Outer => outer;
}
