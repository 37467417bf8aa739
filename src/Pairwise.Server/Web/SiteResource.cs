namespace Pairwise.Server.Web;

/// <summary>The files of pages that the program carries, by their names alone.</summary>
internal static class SiteResource
{
    private const string Prefix = "Pairwise.Server.Web.Site.";

    /// <summary>Writes one into a folder under <paramref name="folder"/>, which is made when it is missing.</summary>
    public static void Write(string folder, string subfolder, string name)
    {
        Directory.CreateDirectory(Path.Combine(folder, subfolder));
        File.WriteAllBytes(Path.Combine(folder, subfolder, name), Read(name));
    }

    public static byte[] Read(string name)
    {
        using Stream stream = typeof(SiteResource).Assembly.GetManifestResourceStream(Prefix + name)
            ?? throw new InvalidOperationException($"The program lacks its page {name}.");
        using MemoryStream copy = new();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
