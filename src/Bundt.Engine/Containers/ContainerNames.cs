using System.Security.Cryptography;
using Bundt.Linux;

namespace Bundt.Engine.Containers;

/// <summary>Names and ids of containers.</summary>
internal static class ContainerNames
{
    private static readonly string[] s_adjectives =
    [
        "airy", "baked", "blissful", "bold", "brave", "breezy", "bright", "brisk", "buttery", "calm", "caramel", "cheerful", "chewy", "clever", "cosy",
        "creamy", "crisp", "crumbly", "crunchy", "dainty", "dapper", "dense", "dreamy", "eager", "fair", "festive", "flaky", "fluffy", "fond", "fresh",
        "frosted", "fruity", "gentle", "giddy", "glazed", "gleeful", "golden", "grand", "happy", "hazel", "hearty", "honest", "humble", "icy", "jolly",
        "keen", "kind", "layered", "lemony", "light", "lively", "loyal", "lucid", "lush", "marbled", "mellow", "merry", "mild", "minty", "moist", "neat",
        "nimble", "nutty", "patient", "peachy", "plain", "plucky", "plump", "polite", "proud", "quick", "quiet", "rich", "ripe", "risen", "rosy", "round",
        "rustic", "serene", "silky", "smooth", "snappy", "soft", "spiced", "spongy", "spry", "steady", "sticky", "sunny", "sweet", "tangy", "tart",
        "tender", "tidy", "toasty", "upbeat", "velvety", "warm", "whipped", "whole", "wise", "witty", "zesty",
    ];

    private static readonly string[] s_cakes =
    [
        "angelfood", "babka", "baklava", "bebinca", "birnbrot", "blondie", "brioche", "brownie", "bundt", "cannoli", "carrotcake", "castella", "charlotte",
        "cheesecake", "chiffon", "cobbler", "crumble", "cupcake", "dacquoise", "dobos", "eclair", "entremet", "esterhazy", "financier", "flan", "fraisier",
        "frangipane", "fruitcake", "galette", "gateau", "genoise", "gingerbread", "gugelhupf", "halva", "honeycake", "jaffa", "joconde", "kulich", "lamington",
        "lebkuchen", "linzer", "macaron", "madeleine", "makowiec", "marjolaine", "medovik", "meringue", "mochi", "muffin", "napoleon", "opera", "pandoro",
        "panettone", "parkin", "pavlova", "petitfour", "pinza", "pirog", "pithivier", "poundcake", "prinzregent", "profiterole", "punschkrapfen", "quarktorte",
        "sacher", "savarin", "scone", "shortcake", "simnel", "sponge", "stollen", "streusel", "strudel", "swissroll", "tartlet", "teacake", "tiramisu",
        "torte", "tresleches", "trifle", "upsidedown", "vasilopita", "waffle", "yulelog", "zuccotto", "zwetschgendatschi",
    ];

    /// <summary>64 hex digits.</summary>
    public static string NewId()
    {
        while (true)
        {
            var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
            // A short id that is a number would be taken for one (a uid, a pid) by tools: docker avoids it too.
            if (id.AsSpan(0, 12).ContainsAnyExceptInRange('0', '9'))
            {
                return id;
            }
        }
    }

    /// <summary>adjective_cake; from the second try on with a number.</summary>
    public static string Random(int attempt)
    {
        var name = s_adjectives[RandomNumberGenerator.GetInt32(s_adjectives.Length)] + "_" + s_cakes[RandomNumberGenerator.GetInt32(s_cakes.Length)];
        return attempt == 0 ? name : name + RandomNumberGenerator.GetInt32(10, 10_000);
    }

    /// <summary>The name without its slash.</summary>
    /// <exception cref="BundtException">InvalidArgument.</exception>
    public static string Check(string name)
    {
        var plain = name.StartsWith('/') ? name[1..] : name;
        return Volumes.VolumeName.IsValid(plain)
            ? plain
            : throw new BundtException(
                FailureKind.InvalidArgument, Phase.Request, $"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
    }

    /// <summary>Docker's words for a name that is taken.</summary>
    public static BundtException Taken(string name, string holder) => new(
        FailureKind.Conflict,
        Phase.Request,
        $"Conflict. The container name \"/{name}\" is already in use by container \"{holder}\". "
        + "You have to remove (or rename) that container to be able to reuse that name.");
}
