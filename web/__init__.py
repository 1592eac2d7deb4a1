"""What people's pages share: claims, markdown, paging, search, and the page shell."""
