using Pairwise.Demo;

var folder = Directory.CreateTempSubdirectory("pairwise-demo-").FullName;
try
{
    return await Story.TellAsync(folder);
}
catch (Exception e) when (e is TimeoutException or InvalidOperationException or IOException)
{
    Console.Error.WriteLine($"The demo failed: {e.Message}");
    return 1;
}
finally
{
    Directory.Delete(folder, recursive: true);
}
